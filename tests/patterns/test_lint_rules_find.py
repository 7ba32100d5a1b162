"""`Library.lint`: findings in order, nothing silent, messages that carry no surprises."""

from pathlib import Path

import pytest

from codex_orchestrator.model.finding import Finding, Severity, has_errors
from codex_orchestrator.patterns.library import Library
from support.pattern_files import commit_all, make_library, write_files

OWN = {
    "patterns/linters/own-lint/pattern.yaml": (
        "id: own-lint\nkind: linter\nversion: 1.0.0\nlanguage: python\nentry: rule.yml\n"
        "description: A test.\nusage: none\nignores: ['**/made/**']\n"
        "unless: [{reason: generated, rule: {kind: comment, regex: GENERATED}}]\n"
    ),
    "patterns/linters/own-lint/rule.yml": (
        "id: own-lint\nlanguage: python\nseverity: info\nmessage: 'call of $F with $$$A'\n"
        "note: |\n  do\n  not\nrule: {pattern: '$F($$$A)'}\nconstraints: {F: {regex: ^tea$}}\n"
        "---\nid: own-lint-cup\nlanguage: python\nmessage: cup\nrule: {pattern: cup}\n"
    ),
    "patterns/linters/own-lint/invalid/a.py": "tea()  # expect: own-lint\n",
}


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.open()


def places(findings: tuple[Finding, ...]) -> list[tuple[str, int, str]]:
    return [(finding.path, finding.line, finding.rule) for finding in findings]


def test_findings_come_in_order_of_path_and_line(library: Library, tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "b.py": "eval(x)\n",
            "a.py": "import os\ntry:\n    os.system(x)\nexcept:\n    pass\nexec(y)\n",
            "c.ts": "const a = eval(b);\n",
            "d.txt": "eval(x)\n",
        },
    )
    assert places(library.lint(tmp_path)) == [
        ("a.py", 3, "py-subprocess-shell-os-system"),
        ("a.py", 4, "py-no-bare-except"),
        ("a.py", 6, "py-no-eval-exec"),
        ("b.py", 1, "py-no-eval-exec"),
        ("c.ts", 1, "js-no-eval-ts"),
    ]


@pytest.mark.parametrize(
    ("paths", "seen"),
    [
        (["src"], ["src/a.py", "src/x/b.py"]),
        (["src/"], ["src/a.py", "src/x/b.py"]),
        (["./src/a.py"], ["src/a.py"]),
        (["src/*.py"], ["src/a.py"]),
        (["**/b.py", "c.py"], ["c.py", "src/x/b.py"]),
        (["."], ["c.py", "src/a.py", "src/x/b.py"]),
        (["gone.py"], []),
        (["sr"], []),
    ],
)
def test_paths_are_files_folders_or_globs(
    library: Library, tmp_path: Path, paths: list[str], seen: list[str]
) -> None:
    write_files(tmp_path, dict.fromkeys(["src/a.py", "src/x/b.py", "c.py"], "eval(x)\n"))
    assert [finding.path for finding in library.lint(tmp_path, paths)] == seen


def test_a_file_that_cannot_be_read_is_a_warning_and_not_silence(
    library: Library, tmp_path: Path
) -> None:
    write_files(tmp_path, {"a.py": b"\xff"})
    (finding,) = library.lint(tmp_path)
    assert finding.rule == "pattern-not-checked"
    assert finding.severity is Severity.WARNING
    assert finding.message == "not checked: not UTF-8 (byte 0)"


def test_a_link_is_linted_under_its_targets_name_only(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "eval(x)\n"})
    (tmp_path / "b.py").symlink_to("a.py")
    assert [finding.path for finding in library.lint(tmp_path)] == ["a.py"]


def test_own_rules_run_beside_the_toolkits(tmp_path: Path) -> None:
    make_library(tmp_path, OWN)
    write_files(tmp_path, {"a.py": "tea(1,\n    'x')\ncup\neval(z)\n", "made/b.py": "tea()\n"})
    write_files(tmp_path, {"c.py": "# GENERATED\ntea()\n"})
    findings = Library.open(tmp_path).lint(tmp_path)
    assert places(findings) == [
        ("a.py", 1, "own-lint"),
        ("a.py", 3, "own-lint-cup"),
        ("a.py", 4, "py-no-eval-exec"),
    ]
    assert findings[0].severity is Severity.NOTE
    assert findings[0].message == "call of tea with 1, 'x'"
    assert findings[0].fix == "do not"


def test_only_errors_make_a_verdict_bad(tmp_path: Path) -> None:
    make_library(tmp_path, OWN)
    write_files(tmp_path, {"a.py": "tea()\ncup\n"})
    assert not has_errors(Library.open(tmp_path).lint(tmp_path))


def test_a_message_is_one_line_of_bounded_length(tmp_path: Path) -> None:
    make_library(tmp_path, OWN)
    write_files(tmp_path, {"a.py": "tea('" + "\\n" * 5000 + "')\n"})
    (finding,) = Library.open(tmp_path).lint(tmp_path)
    assert len(finding.message) == 300
    assert "\n" not in finding.message


def test_cases_of_a_library_are_not_reported(tmp_path: Path) -> None:
    make_library(tmp_path, OWN)
    assert Library.open(tmp_path).lint(tmp_path) == ()


def test_two_rules_may_see_the_same_place(tmp_path: Path) -> None:
    files = {
        **OWN,
        "patterns/linters/own-lint/rule.yml": (
            "id: own-lint\nlanguage: python\nmessage: a\nrule: {pattern: cup}\n---\n"
            "id: own-lint-two\nlanguage: python\nmessage: b\nrule: {any: [{pattern: cup}, "
            "{matches: part}]}\nutils: {part: {pattern: pot}}\n---\n"
            "id: own-lint-three\nlanguage: python\nmessage: c\nrule: {matches: part}\n"
            "utils: {part: {pattern: lid}}\n"
        ),
    }
    make_library(tmp_path, files)
    write_files(tmp_path, {"a.py": "cup\npot\nlid\n"})
    assert places(Library.open(tmp_path).lint(tmp_path)) == [
        ("a.py", 1, "own-lint"),
        ("a.py", 1, "own-lint-two"),
        ("a.py", 2, "own-lint-two"),
        ("a.py", 3, "own-lint-three"),
    ]


def test_a_repository_in_the_middle_of_a_merge_lists_each_file_once(
    library: Library, tmp_path: Path
) -> None:
    import subprocess

    from support.pattern_files import git

    write_files(tmp_path, {"a.py": "eval(x)\n"})
    commit_all(tmp_path)
    git(tmp_path, "switch", "-q", "-c", "other")
    write_files(tmp_path, {"a.py": "eval(y)\n"})
    commit_all(tmp_path)
    git(tmp_path, "switch", "-q", "main")
    write_files(tmp_path, {"a.py": "eval(z)\n"})
    commit_all(tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        git(tmp_path, "merge", "-q", "other")
    assert len(library.lint(tmp_path)) == 2
