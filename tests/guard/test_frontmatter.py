"""Front matter: one meaning for every reader, and nothing hostile is slow."""

import resource
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.guard.accept import accept
from codex_orchestrator.guard.facts import Facts, build_facts
from codex_orchestrator.guard.frontmatter import parse_facts
from codex_orchestrator.guard.new_spec import spec_text
from codex_orchestrator.guard.scanner import scan
from codex_orchestrator.guard.usual import usual_facts
from codex_orchestrator.model.strict_yaml import YamlError, parse_mapping
from support.guard_repo import GOOD, GuardRepo, codes, spec


def parse(text: str | bytes) -> Facts:
    data = text.encode() if isinstance(text, str) else text
    return parse_facts(data, size=len(data))


@pytest.mark.parametrize(
    "front",
    [
        'paths: ["src/**", lib/*.py]\n',
        "paths:\n- src/**\n- lib/*.py\n",
        "paths:\n    - 'src/**'\n\n    # and\n    - \"lib/*.py\"\n",
        "paths: [\n  src/**,\n  lib/*.py\n]\n",
        "'paths':\n  - |-\n    src/**\n  - lib/*.py\n",
    ],
)
def test_lists_mean_the_same_in_each_notation(front: str) -> None:
    assert parse(f"---\n{front}---\n").paths == ("src/**", "lib/*.py")


@pytest.mark.parametrize(
    "front",
    [
        'approvals: [{role: dx, by: "@a", on: 2026-11-01}]\n',
        "approvals:\n  - {role: dx, by: '@a', on: 2026-11-01}\n",
        'approvals:\n  - role: dx\n    by: "@a"\n    on: 2026-11-01\n',
        'approvals:\n-   role: dx\n    on: 2026-11-01\n    by: "@a"\n',
    ],
)
def test_approvals_mean_the_same_in_each_notation(front: str) -> None:
    (approval,) = parse(f"---\n{front}---\n").approvals
    assert approval[:3] == ("dx", "@a", "2026-11-01")


@pytest.mark.parametrize(
    ("front", "problem", "line"),
    [
        ("id: a\nid: b\n", "duplicate key 'id'", 3),
        ("a: &x [1]\nb: *x\n", "anchors and aliases", 2),
        ("<<: {status: approved}\n", "merge keys", 2),
        ("status: !!str approved\n", "tags", 2),
        ("a:\n\t- x\n", "cannot start any token", 3),
        ("just words\n", "expected `key: value` lines", 2),
        ("- a\n- b\n", "expected `key: value` lines", 2),
        ("", "expected `key: value` lines", 2),
        ("status: [approved]\n", "`status` must be one value", 2),
        ("last_review:\n  day: 1\n", "`last_review` must be one value", 2),
        ("paths: {a: b}\n", "`paths` must be a list", 2),
        ("paths:\n  - src/**\n  - /etc/**\n", "starts with `/`", 4),
        ("paths:\n  - ../x/**\n", "`..` part", 3),
        ("paths: [[a]]\n", "must be text", 2),
        ("id: a\npaths:\n" + "  - src/a\n" * 1001, "`paths` has over 1000 globs", 3),
        ("approvals: nobody\n", "`approvals` must be a list", 2),
        ("approvals:\n  - nobody\n", "must have the form {role, by, on}", 3),
        ("a: 'open\n", "unexpected end of stream", 2),
        ("a: {b\n", "expected", 2),
        ("a: \x00\n", "character that YAML does not allow", 2),
        ("a: \x1b[31m\n", "character that YAML does not allow", 2),
        ("a: " + "[" * 50 + "\n", "nested deeper", 2),
    ],
)
def test_front_matter_that_readers_disagree_on_is_malformed(
    front: str, problem: str, line: int
) -> None:
    facts = parse(f"---\n{front}---\n# Body\n")
    assert problem in facts.problem
    assert facts.problem_line == line


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"---\nstatus: approved\n# no end\n", "not closed"),
        (b"---\nstatus: approved\n ---\n", "not closed"),
        (b"\n---\nstatus: approved\n---\n", "no front matter"),
        (b"# Title\n", "no front matter"),
        (b"", "no front matter"),
        (b"---", "not closed"),
        (b"--- \nid: \xff\n---\n", "not UTF-8"),
        ("---\nid: a\n---\n".encode("utf-16"), "no front matter"),
    ],
)
def test_a_file_without_a_readable_block_is_malformed(data: bytes, problem: str) -> None:
    assert problem in parse(data).problem


def test_a_title_with_a_colon_is_malformed_and_says_so() -> None:
    facts = parse("---\ntitle: Guard: the gate\nstatus: approved\n---\n")
    assert "mapping values are not allowed" in facts.problem


@pytest.mark.parametrize(
    "front", ["paths: 7\n", "paths: [7]\n", "paths:\n  - 7\n", "paths: ['7']\n"]
)
def test_a_number_as_a_glob_is_text_in_each_notation(front: str) -> None:
    assert parse(f"---\n{front}---\n").paths == ("7",)


def test_words_with_a_type_elsewhere_stay_text() -> None:
    facts = parse("---\nid: 010\nstatus: no\nlast_review: 2026-11-20\n---\n")
    assert (facts.spec_id, facts.status, facts.review) == ("010", "no", "2026-11-20")


WORDS = """
a|true|null|~|1|-1|a b|a  b|a: b|a :b|a #b|a# b|#|'q'|"q"|'it''s'|"a\\n"|'open|[a, b]|[a,b]|[]|[a|{}
{a: b}|*x|&x|!t|>|- a|-a|@a|%a|`a|a,b|[a b , 'c']|[true]|é|a\u00a0b|a\u2028b|a\ufeff|中|a'b|a"b|a |.
...|(a)|2026-11-20|'2026-11-20' |src/**|[src/**, '*.py']|[a, ]|[a:b]|a:|a:b
"""
VALUES = st.one_of(
    st.sampled_from(["", "|", *WORDS.strip("\n").replace("\n", "|").split("|")]),
    st.text(alphabet="ab:#-[]{}'\", *&!|>%@\\\té\x85", max_size=8),
)
LINES = st.one_of(
    st.tuples(st.sampled_from(["id", "status", "paths", "approvals", "x-y"]), VALUES).map(
        lambda pair: f"{pair[0]}: {pair[1]}"
    ),
    st.sampled_from(
        ["paths:", "approvals:", "", "# c", "  # c", "  role: a", "    by: b", "---x", "?"]
    ),
    st.tuples(st.sampled_from(["- ", "  - ", "    - ", "  -  "]), VALUES).map("".join),
    st.tuples(st.sampled_from(["- role: ", "  - role: ", "    by: ", "  by: "]), VALUES).map(
        "".join
    ),
    st.just("  - {role: a, by: 'b', on: 2026-11-01}"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=7), st.sampled_from(["\n", "\r\n"]))
def test_the_quick_reader_agrees_with_the_strict_parser(lines: list[str], newline: str) -> None:
    front = newline.join(lines)
    quick = scan(front)
    if quick is None:
        return
    try:
        strict = parse_mapping(front)
    except YamlError as error:
        pytest.fail(f"strict says {error}, quick says {quick}")
    assert build_facts(*quick, offset=1) == build_facts(strict.values, strict.lines, offset=1)


USUAL_VALUES = {
    "id: ": ["0001-login", "a", "010", "true", "Null", "1.5", ".", "..", "a b", "a:b", "'a'", "é"],
    "title: ": [
        "Log in, then out",
        "a 'b' \"c\"",
        "a: b",
        "a #b",
        "a#b",
        "a ",
        "(a)",
        "-a",
        "@a",
        '"a: #b"',
        '"\\\\"',
        '""',
    ],
    "status: ": ["approved", "draft", "superseded", "Approved", "done", "true", "approved "],
    "last_review: ": ["2026-11-20", "'2026-11-20'", "2026-02-30", "2026-11-20 ", "20261120"],
    "owners:": [' ["@a"]', ' ["@a", "b c"]', " []", " [a]", '\n  - "@a"', "\n  - a\n  - b"],
    "approvals:": [
        " []",
        '\n  - {role: dx, by: "@a b", on: 2026-11-01}',
        '\n  - {role: dx, by: a, on: 2026-11-01}\n  - {role: a.b, by: "@c", on: 2026-11-02}',
        "\n  - {role: dx, by: true, on: 2026-11-01}",
        "\n  - {role: dx, by: a, by: b, on: 2026-11-01}",
        "\n  - {role: null, by: a, on: 2026-11-01}",
        "\n  - {role: dx, by: ' a', on: no}",
    ],
    "paths:": [
        " []",
        "\n  - src/**",
        "\n  - src/a*/b.py\n  - .github/**\n  - action.yml",
        '\n  - "**/*.py"\n  - "-a"\n  - "true"',
        "\n  - '**'\n  - *a",
        "\n  - -a",
        "\n  - true",
        "\n  - ../a",
        "\n  - a//b",
        "\n  - a/./b",
        "\n  - a/..",
        "\n  - a.",
        "\n  - a/",
        "\n  - /a",
        "\n  - a b",
        "\n  - " + "a" * 999,
        "\n  - " + "a" * 1030,
        "\n- src/**",
    ],
    "": ["# c", "  # c", "", "x: y", "---", "--- ", "id:", "  a: b", "- a"],
}
USUAL_LINES = st.sampled_from(
    [key + value for key, values in USUAL_VALUES.items() for value in values]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(USUAL_LINES, max_size=6), st.sampled_from(["---\n", "---", "---\n# B\n---\n", ""]))
def test_the_usual_shape_means_what_the_other_readers_say(lines: list[str], end: str) -> None:
    data = "\n".join(["---", "last_review: 2026-11-19", *lines, end]).encode()
    usual = usual_facts(data)
    if usual is None:
        return
    front = data[4 : data.index(b"\n---\n", 3) + 1].decode()
    quick = scan(front.removesuffix("\n"))
    assert quick is not None
    strict = parse_mapping(front)
    assert usual == build_facts(*quick, offset=1)
    assert usual == build_facts(strict.values, strict.lines, offset=1)


def test_the_template_and_an_attested_spec_have_the_usual_shape() -> None:
    draft = spec_text("0001-login", title="Login", paths=["src/login/**"]).encode()
    data = accept(draft, path="a.md", reviewer="Ada L", role="reviewer", day="2026-11-20")
    usual = usual_facts(data)
    assert usual is not None
    assert Facts._make(usual).approvals == (("reviewer", "Ada L", "2026-11-20", 7),)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=60).map(lambda t: f"---\n{t}\n---\n".encode()))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    facts = parse(data)
    usual = usual_facts(data)
    assert usual is None or Facts._make(usual) == facts


def alias_bomb() -> bytes:
    rows = [b"a%d: &a%d [*a%d,*a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 60)]
    return b"---\na0: &a0 [x]\n" + b"".join(rows) + b"---\n"


def many(row: str, count: int) -> bytes:
    return "".join(["---\n", *(row.format(n=n) for n in range(count)), "---\n"]).encode()


HOSTILE = {
    "alias bomb": alias_bomb,
    "20 MiB scalar": lambda: b"---\nid: " + b"a" * (20 << 20) + b"\n---\n",
    "2 MiB body": lambda: spec().encode() + b"x" * (2 << 20),
    "2 MiB unclosed": lambda: b"---\n" + b"a: b\n" * (400 << 10),
    "NUL bytes": lambda: b"---\nid: a\x00b\n---\n" + b"\x00" * 100_000,
    "deep flow": lambda: b"---\na: " + b"[" * 30_000 + b"\n---\n",
    "deep block": lambda: b"---\n" + b"".join(b" " * n + b"a:\n" for n in range(240)) + b"---\n",
    "many odd keys": lambda: many("k{n}: {{v: '{n}''s'}}\n", 1500),
    "too many odd keys": lambda: many("k{n}: {{v: '{n}''s'}}\n", 15_000),
    "merge keys": lambda: b"---\nbase: &b {a: 1}\n<<: *b\n---\n",
    "three marks": lambda: b"\xef\xbb\xbf" * 3 + spec().encode(),
    "long line": lambda: b"---\nid: " + b"a b " * 60_000 + b"\n---\n",
    "many colons": lambda: b"---\nid: " + b":" * 200_000 + b"\n---\n",
    "many stars": lambda: b"---\npaths: ['src/" + b"*a" * 400 + b"']\nstatus: approved\n---\n",
    "empty lines": lambda: b"---\nid: a\n---\n" + b"\n" * 250_000,
    "marks before nothing": lambda: b" \t*_`-" * 40_000 + b"\nlast_review" + b" " * 20_000,
    "many globs": lambda: b"---\npaths:\n" + b"  - src/*a*a*a*a*a*a*a*b\n" * 9000 + b"---\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_front_matter_is_a_finding_within_bounds(repo: GuardRepo, name: str) -> None:
    repo.stage({"tasks/specs/bad.md": HOSTILE[name](), "src/" + "a" * 200: "x\n"})
    started = time.process_time()
    report = repo.staged()
    # Processor time, with room for slow machines; on a quiet one each takes well below a second.
    assert time.process_time() - started < 3
    assert set(codes(report)) & {"SPEC003", "SPEC004", "SPEC005"}, report.findings


def test_a_hostile_spec_stays_within_memory(repo: GuardRepo) -> None:
    repo.stage({GOOD: HOSTILE["20 MiB scalar"]()})
    limit = 100 * 1024 * 1024
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "guard", "--staged", "--repo", str(repo.root)],
        env=repo.env,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )
    assert done.returncode == 1, done.stderr
    assert b"SPEC004" in done.stdout
    assert b"Traceback" not in done.stderr
