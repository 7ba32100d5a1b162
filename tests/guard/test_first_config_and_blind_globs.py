"""A first configuration applies at once, and globs that match nothing are said aloud."""

import json
from pathlib import Path

import pytest

from codex_orchestrator.guard.report import Report
from codex_orchestrator.guard.task_specs import RepositorySpecGuard
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.task import Task
from codex_orchestrator.verbs.check_specs import report_document, report_text
from support.guard_repo import GOOD, GuardRepo, spec
from support.project import CommandLine

CONFIG = ".codex-orchestrator.toml"
LIB = '[guard]\ncode = ["lib/**"]\n'


@pytest.fixture
def bare_of_us(tmp_path: Path) -> GuardRepo:
    """A repository that has no configuration and no spec, with code where no default looks."""
    repo = GuardRepo(tmp_path / "plain")
    repo.commit({"lib/a.rb": "1\n", "README.md": "x\n"})
    return repo


def codes(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


def test_the_change_that_brings_the_first_configuration_is_under_it(bare_of_us: GuardRepo) -> None:
    report = bare_of_us.both_views({CONFIG: LIB, "lib/a.rb": "2\n"})
    assert codes(report) == ["GUARD003", "SPEC001"]
    note = next(finding for finding in report.findings if finding.rule == "GUARD003")
    assert (note.severity, note.path) == (Severity.NOTE, CONFIG)
    assert "checked under it" in report.as_text()


def test_a_first_table_in_pyproject_is_a_first_configuration_too(bare_of_us: GuardRepo) -> None:
    bare_of_us.commit({"pyproject.toml": "[project]\nname = 'x'\n"})
    table = "[project]\nname = 'x'\n[tool.codex-orchestrator.guard]\ncode = ['lib/**']\n"
    report = bare_of_us.both_views({"pyproject.toml": table, "lib/a.rb": "2\n"})
    assert codes(report) == ["GUARD003", "SPEC001"]


def test_a_second_configuration_is_for_the_next_change(bare_of_us: GuardRepo) -> None:
    bare_of_us.commit({CONFIG: LIB})
    report = bare_of_us.both_views({CONFIG: '[guard]\ncode = ["x/**"]\n', "lib/a.rb": "2\n"})
    assert codes(report) == ["SPEC001"]


def test_specs_that_stood_under_the_defaults_still_count_under_them(repo: GuardRepo) -> None:
    wide = '[guard]\ncode = ["lib/**", "docs/**"]\n'
    report = repo.both_views({CONFIG: wide, "lib/new.py": "x\n", "app/new.py": "x\n"})
    assert [(finding.rule, finding.path) for finding in report.findings if finding.path] == [
        ("GUARD003", CONFIG),
        ("SPEC001", "lib/new.py"),
        ("SPEC001", "app/new.py"),
    ]


def test_a_change_without_code_is_warned_when_the_globs_match_nothing(
    bare_of_us: GuardRepo,
) -> None:
    report = bare_of_us.both_views({"README.md": "y\n"})
    assert (report.outcome, codes(report)) == ("passed", ["GUARD004"])
    [found] = report.findings
    assert found.severity is Severity.WARNING
    assert "matches no tracked file" in found.message
    assert "matches no tracked file" in report_text(report, "text")
    assert "::warning" in report_text(report, "github")
    assert "GUARD004" in json.dumps(report_document(report, "sarif"))
    [document] = report_document(report, "json")["findings"]
    assert (document["rule"], document["severity"]) == ("GUARD004", "warning")


@pytest.mark.parametrize(
    "config",
    [
        LIB,
        '[guard]\ncode = ["nowhere/**", "l*/*.rb"]\n',
        '[guard]\ncode = ["**/*.rb", "!**/*_test.rb"]\n',
    ],
)
def test_a_change_without_code_passes_where_the_globs_match_something(
    bare_of_us: GuardRepo, config: str
) -> None:
    bare_of_us.commit({CONFIG: config})
    assert codes(bare_of_us.both_views({"README.md": "y\n"})) == []


def test_what_the_globs_exclude_is_no_match(bare_of_us: GuardRepo) -> None:
    bare_of_us.commit({CONFIG: '[guard]\ncode = ["lib/**", "!**/*.rb"]\n'})
    report = bare_of_us.both_views({"README.md": "y\n"})
    assert codes(report) == ["GUARD004"]
    assert report.findings[0].path == CONFIG


def test_a_link_at_the_place_of_a_folder_is_a_match(bare_of_us: GuardRepo) -> None:
    (bare_of_us.root / "src").symlink_to("lib")
    bare_of_us.commit({"x.txt": "x\n"})
    assert codes(bare_of_us.both_views({"README.md": "y\n"})) == []


def test_one_of_many_files_is_found(tmp_path: Path) -> None:
    repo = GuardRepo(tmp_path / "many")
    repo.commit({CONFIG: '[guard]\ncode = ["pkg/*.py"]\n', "pkg/zzz.py": "x\n"})
    blob = repo.git("rev-parse", "HEAD:pkg/zzz.py")
    rows = "".join(f"100644 {blob} 0\tpkg/{number:06}.txt\n" for number in range(30_000))
    repo.git("update-index", "--index-info", stdin=rows.encode())
    report = repo.staged()
    assert (codes(report), report.checked.paths) == ([], 30_000)


@pytest.mark.parametrize("files", [{}, {"docs/a.md": "x\n"}])
def test_an_audit_that_looks_at_no_code_is_not_checked(
    tmp_path: Path, call: CommandLine, files: dict[str, str]
) -> None:
    repo = GuardRepo(tmp_path / "docs")
    repo.commit({"README.md": "x\n", **files})
    done = call("guard", "--all", "--repo", str(repo.root))
    assert done.code == 3
    assert "GUARD004" in done.out
    assert "spec guard: not checked" in done.err


def test_an_audit_with_errors_fails_also_without_code(tmp_path: Path, call: CommandLine) -> None:
    repo = GuardRepo(tmp_path / "specs")
    repo.commit({GOOD: spec(review="2020-01-01")})
    done = call("guard", "--all", "--repo", str(repo.root))
    assert done.code == 1
    assert "GUARD004" in done.out


def test_a_first_configuration_of_agents_waits_for_the_next_change(
    bare_of_us: GuardRepo,
) -> None:
    base = bare_of_us.git("rev-parse", "HEAD")
    bare_of_us.stage({CONFIG: LIB, "lib/a.rb": "2\n"})
    tree = bare_of_us.git("write-tree")
    task = Task(id="t", title="t", spec=GOOD, brief="x\n", checks=("test",))
    guard = RepositorySpecGuard(bare_of_us.root, environment=bare_of_us.env)
    found = guard.check_change(
        task, base_sha=base, tree_id=tree, as_of="2026-11-22", may_attest=lambda _: False
    )
    assert "GUARD003" not in [finding.rule for finding in found]
    assert "SPEC001" not in [finding.rule for finding in found]
