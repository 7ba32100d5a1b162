"""The harness: cases that hold, and every way in which one can fail to."""

from pathlib import Path

import pytest

from codex_orchestrator.patterns.asset import load_asset
from codex_orchestrator.patterns.harness import run_cases
from codex_orchestrator.patterns.library import Library
from support.pattern_files import codemod_files, write_files

LINTER = {
    "pattern.yaml": (
        "id: own\nkind: linter\nversion: 1.0.0\nlanguage: python\nentry: rule.yml\n"
        "description: A test.\nusage: none\n"
    ),
    "rule.yml": "id: own\nlanguage: python\nmessage: old\nrule: {pattern: old()}\n",
    "invalid/a.py": "old()  # expect: own\n",
    "valid/a.py": "new()\n",
}
TEMPLATE = {
    "pattern.yaml": (
        "id: own\nkind: template\nversion: 1.0.0\nentry: own.md\n"
        "description: A test.\nusage: none\n"
    ),
    "own.md": "Hello {{ name | code }}\n",
    "cases/one/values.json": '{"name": "you"}',
    "cases/one/expected.md": "Hello `you`\n",
}


def problems(tmp_path: Path, kind: str, files: dict[str, str | bytes]) -> list[str]:
    library = tmp_path / "patterns"
    write_files(library / kind / "own", files)
    asset = load_asset(library / kind / "own", library=library)
    return [result.problem for result in run_cases(asset)]


def codemod(**changed: str | bytes | None) -> dict[str, str | bytes]:
    names = {"before": "cases/one/before.py", "after": "cases/one/after.py"}
    prefix = "patterns/codemods/own/"
    files: dict[str, str | bytes] = {
        name.removeprefix(prefix): text for name, text in codemod_files("own").items()
    }
    for key, content in changed.items():
        files.pop(names.get(key, key), None)
        if content is not None:
            files[names.get(key, key)] = content
    return files


@pytest.mark.parametrize("pattern_id", [asset.id for asset in Library.open().assets])
def test_every_pattern_of_the_toolkit_holds(pattern_id: str) -> None:
    results = run_cases(Library.open().load(pattern_id))
    assert results
    assert [result for result in results if result.problem] == []


def test_a_codemod_whose_case_holds_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "codemods", codemod()) == [""]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"after": "new(2)\n"}, "-new(2)\n+new(1)"),
        ({"after": "new(1)\r\n"}, "differs in line ends"),
        ({"after": None}, "there is no after.py beside it"),
        ({"before": None}, "no case changes anything"),
        ({"before": "x = 1\n", "after": "x = 1\n"}, "no case changes anything"),
        ({"before": b"\xff", "after": "new(1)\n"}, "left alone: not UTF-8"),
        ({"cases/one/before.rb": "old()\n", "cases/one/after.rb": "old()\n"}, "no rule applies to"),
    ],
)
def test_a_codemods_case_can_fail(
    tmp_path: Path, changed: dict[str, str | bytes | None], problem: str
) -> None:
    found = problems(tmp_path, "codemods", codemod(**changed))
    assert any(problem in one for one in found), found


def test_a_linter_whose_cases_hold_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "linters", dict(LINTER)) == ["", ""]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"valid/a.py": "old()\n"}, "line 1: unexpected own"),
        ({"invalid/a.py": "new()  # expect: own\n"}, "line 1: no own"),
        ({"invalid/a.py": "old()\n"}, "expects nothing"),
        ({"invalid/a.py": "old()  # expect: own\nold()\n"}, "line 2: unexpected own"),
        ({"invalid/a.py": "x = 1  # expect: other\n"}, "no case shows own"),
        ({"invalid/a.txt": "old()\n"}, "no rule applies to files of this name"),
        ({"invalid/b.py": b"\xff"}, "not checked: not UTF-8"),
    ],
)
def test_a_linters_case_can_fail(
    tmp_path: Path, files: dict[str, str | bytes], problem: str
) -> None:
    found = problems(tmp_path, "linters", {**LINTER, **files})
    assert any(problem in one for one in found), found


def test_a_template_whose_case_holds_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "templates", dict(TEMPLATE)) == [""]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"cases/one/expected.md": "Bye\n"}, "-Bye"),
        ({"cases/one/values.json": "{}"}, "'name' is undefined"),
        ({"cases/one/values.json": "[1]"}, "not a JSON object"),
        ({"cases/one/values.json": '{"a": 1, "a": 2}'}, "duplicate key"),
        ({"own.md": "{% if %}"}, "TemplateSyntaxError"),
        ({"own.md": "{{ name.__class__ }}"}, "SecurityError"),
        ({"own.md": "{{ [].append(1) }}"}, "SecurityError"),
        ({"own.md": "{% for i in range(999999) %}{% endfor %}"}, "do not fit the template"),
        ({"own.md": "{% for i in range(9999) %}{{ 'x' * 999 }}{% endfor %}"}, "grows beyond"),
        ({"own.md": "{{ 1 // 0 }}"}, "do not fit the template"),
        ({"own.md": "{% include '/etc/passwd' %}"}, "no loader"),
    ],
)
def test_a_templates_case_can_fail(
    tmp_path: Path, files: dict[str, str | bytes], problem: str
) -> None:
    found = problems(tmp_path, "templates", {**TEMPLATE, **files})
    assert any(problem in one for one in found), found
