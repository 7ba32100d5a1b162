"""What a codemod's output must be before a file is touched."""

import functools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.patterns.asset import Asset
from codex_orchestrator.patterns.codemod import change_text
from codex_orchestrator.patterns.engine import parse
from codex_orchestrator.patterns.library import Library
from support.pattern_files import codemod_files, make_library, write_files

TWO_RULES = """\
id: own-a
language: python
rule: {pattern: "f($X, $Y)"}
fix: g($X, $Y)
---
id: own-b
language: python
rule: {pattern: "f($X, $Y)"}
fix: h($X, $Y)
"""
CROSSING = """\
id: own-args
language: python
rule: {kind: argument_list, inside: {kind: call, has: {field: function, regex: ^f$}}}
fix: (1)
---
id: own-call
language: python
rule: {kind: call, has: {field: function, regex: ^f$}}
fix: g()
"""


@functools.cache
def loaded(pattern_id: str) -> Asset:
    return Library.open().load(pattern_id)


def apply(tmp_path: Path, code: str, **facts: str) -> tuple[PatternUse, str]:
    repo = make_library(tmp_path, codemod_files("own", **facts))
    write_files(repo, {"a.py": code})
    use = Library.open(repo).apply("own", repo, ["a.py"])
    return use, (repo / "a.py").read_text()


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        ({"fix": "old(old_$$$A)"}, "old(1)\n", "matches its own output"),
        ({"fix": "old(1, $$$A)"}, "old()\n", "matches its own output"),
        ({"fix": "(new($$$A)"}, "old(1)\n", "new syntax errors"),
        ({"fix": "return = 1"}, "old(1)\n", "new syntax errors"),
        ({"fix": "new($$$A) += yield"}, "x = [old(1)]\n", "new syntax errors"),
        ({"fix": "break"}, "old(1)\n", "would not be valid Python"),
        ({"fix": "await new()"}, "old(1)\n", "would not be valid Python"),
        ({"fix": "'a' b'c'"}, "x = old(1)\n", "would not be valid Python"),
        ({"rule": TWO_RULES}, "f(1, 2)\n", "edits overlap at line 1"),
    ],
)
def test_output_that_cannot_be_trusted_leaves_the_file(
    tmp_path: Path, facts: dict[str, str], code: str, reason: str
) -> None:
    use, text = apply(tmp_path, code, **facts)
    assert [reason in left.reason for left in use.skipped] == [True], use
    assert (text, use.changes) == (code, 0)


def test_inner_matches_wait_for_the_next_pass(tmp_path: Path) -> None:
    use, text = apply(tmp_path, "old(old(1), [old(old(2))])\n")
    assert text == "new(new(1), [new(new(2))])\n"
    assert use.changes == 4


def test_an_edit_inside_another_rules_edit_waits_and_is_gone(tmp_path: Path) -> None:
    _, text = apply(tmp_path, "f(2)\n", rule=CROSSING)
    assert text == "g()\n"


def test_nesting_without_end_is_given_up_and_the_file_stays(tmp_path: Path) -> None:
    code = "old(" * 60 + ")" * 60 + "\n"
    use, text = apply(tmp_path, code)
    assert [left.reason for left in use.skipped] == ["still changing after 20 passes"]
    assert text == code


def test_a_file_with_errors_of_its_own_may_be_edited_when_none_is_added(tmp_path: Path) -> None:
    use, text = apply(tmp_path, "x = = 1\nold(1)\n")
    assert (use.changes, text) == (1, "x = = 1\nnew(1)\n")


def test_a_fix_that_is_what_stands_there_is_no_change(tmp_path: Path) -> None:
    use, _ = apply(tmp_path, "old(1)\n", fix="old($$$A)")
    assert (use.hits, use.changes, use.skipped) == (0, 0, ())


def test_an_ignore_comment_keeps_a_line(tmp_path: Path) -> None:
    code = "old(1)  # ast-grep-ignore\n# ast-grep-ignore: other, own\nold(2)\nold(3)\n"
    _, text = apply(tmp_path, code)
    assert text == code.replace("old(3)", "new(3)")


def test_a_comment_for_another_rule_keeps_nothing(tmp_path: Path) -> None:
    _, text = apply(tmp_path, "old(1)  # ast-grep-ignore: other\n")
    assert text == "new(1)  # ast-grep-ignore: other\n"


def test_the_template_has_captures_and_transforms_byte_for_byte(tmp_path: Path) -> None:
    rule = (
        "id: own\nlanguage: python\nrule: {pattern: 'old($X, $$$REST)'}\n"
        "transform:\n  UP: {convert: {source: $X, toCase: upperCase}}\n"
        "fix: new($UP, $X,   $$$REST, $NONE)\n"
    )
    _, text = apply(tmp_path, "old(tea, 1 ,# why\n  2)\n", rule=rule)
    assert text == "new(TEA, tea,   1 ,# why\n  2, )\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_template_of_two_lines_keeps_indentation_and_line_ends(
    tmp_path: Path, newline: str
) -> None:
    repo = make_library(
        tmp_path,
        codemod_files(
            "own",
            rule="id: own\nlanguage: python\nrule: {kind: expression_statement, "
            "has: {pattern: 'old($A)'}}\nfix: |\n  first($A)\n  second($A)\n",
        ),
    )
    code = newline.join(["if x:", "    old(1)", ""])
    (repo / "a.py").write_bytes(code.encode())
    Library.open(repo).apply("own", repo, ["a.py"])
    wanted = newline.join(["if x:", "    first(1)", "    second(1)", ""])
    assert (repo / "a.py").read_bytes() == wanted.encode()


NAMES = st.sampled_from(["a", "b", "tea", "None", "é", "x.y", "(a)", "f(b, c)"])
LINES = st.lists(
    st.one_of(
        st.builds("if not {0} in {1}:\n    pass".format, NAMES, NAMES),
        st.builds("x = (not {0} is {1}) or {0}".format, NAMES, NAMES),
        st.builds("y = not {0} in {1} in {2}".format, NAMES, NAMES, NAMES),
        st.builds("# not {0} in {1}".format, NAMES, NAMES),
        st.builds("z = '😀 not {0} in {1}'".format, NAMES, NAMES),
        st.sampled_from(["", "class A(object):\n    x = 1", "def f(:", "print(1,", "\t"]),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(lines=LINES, newline=st.sampled_from(["\n", "\r\n"]))
def test_text_outside_the_edits_stays_and_a_second_run_changes_nothing(
    lines: list[str], newline: str
) -> None:
    asset = loaded("py-not-in")
    text = newline.join(lines).replace("\r\n", "\n").replace("\n", newline)
    result = change_text(asset, text, "python")
    assert change_text(asset, result.text, "python").edits == 0
    # Taking the words of the rule away must leave the same text: nothing else was touched.
    for word in (" not in ", " in ", " is not ", " is ", "not "):
        text, changed = text.replace(word, " "), result.text.replace(word, " ")
        result = result._replace(text=changed)
    assert "".join(text.split()) == "".join(result.text.split())
    assert text.count("\r") == result.text.count("\r")


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_at_all_is_changed_or_left_without_trouble(text: str) -> None:
    for pattern_id in ("py-not-in", "py-print-to-logging", "py-super-no-args"):
        result = change_text(loaded(pattern_id), text + "\nx = 1\n", "python")
        assert result.edits >= 0
    assert parse(text, "python") is not None
