"""What the guard prints: text, JSON by its schema, annotations, SARIF by the official schema."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import jsonschema
import pytest

from codex_orchestrator.guard.render_sarif import render_sarif
from codex_orchestrator.guard.report import FAILED, Checked, Report
from codex_orchestrator.guard.rules import all_rules
from codex_orchestrator.model.finding import Finding, Severity
from support.guard_repo import GOOD, GuardRepo, days_ago, spec
from support.sdists import ROOT, Sdist, fetch

SARIF_SCHEMA = Sdist(
    "sarif-om", "1.0.4", "cd5f416b3083e00d402a92e449a7ff67af46f11241073eea0461802a3b5aef98"
)
NASTY = Finding(
    "SPEC001",
    Severity.ERROR,
    "src/a,b:c%\n::error::x\u202e\udcff.py",
    3,
    "50% of\r\n::set-output name=x::y ##[error]z \ud800",
    "do: this, or that",
)


def report_of(*findings: Finding) -> Report:
    return Report(FAILED, "range", "b" * 40, "h" * 40, "2026-11-22", Checked(1, 1, 1), findings)


def run_guard(repo: GuardRepo, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "guard", "--repo", str(repo.root), *args],
        env=repo.env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def failing(repo: GuardRepo) -> GuardRepo:
    repo.commit({GOOD: spec(review=days_ago(40))})
    repo.stage({"src/a.py": "x = 2\n", "app/x.py": "x\n"})
    return repo


AS_OF = ("--staged", "--as-of", "2026-11-22")


def test_text_names_place_rule_reason_and_way_out(failing: GuardRepo) -> None:
    done = run_guard(failing, *AS_OF)
    assert done.returncode == 1
    assert f"{GOOD}:5: error SPEC002 last review was 40 days ago (2026-10-13)" in done.stdout
    assert "app/x.py: error SPEC001 no spec owns this code" in done.stdout
    assert done.stdout.count("  fix: ") == 2
    summary = "failed: 2 errors, 0 warnings; 2 code paths, 1 spec checked (as of 2026-11-22)"
    assert done.stderr == f"spec guard: {summary}\n"


def test_json_follows_its_schema_and_nothing_else_is_printed(failing: GuardRepo) -> None:
    schema = json.loads((ROOT / "schemas/guard-report.v1.json").read_text())
    for args in (AS_OF, ("--all",), ("--base", "HEAD")):
        done = run_guard(failing, *args, "--format", "json")
        document = json.loads(done.stdout)
        jsonschema.validate(document, schema)
        assert done.returncode == {"passed": 0, "failed": 1}[document["outcome"]]
        assert done.stderr == ""


def test_not_checked_is_a_document_too(failing: GuardRepo) -> None:
    (failing.root / ".git/HEAD").write_text("garbage\n")
    done = run_guard(failing, *AS_OF, "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["outcome"]) == (3, "not-checked")
    assert document["findings"][0]["rule"] == "GUARD001"


@pytest.mark.parametrize("output", ["text", "json", "github", "sarif"])
def test_a_dry_run_reports_and_says_that_it_exits_with_zero(
    failing: GuardRepo, output: str
) -> None:
    done = run_guard(failing, *AS_OF, "--dry-run", "--format", output)
    assert done.returncode == 0
    assert "SPEC002" in done.stdout
    assert "dry run: exit 0; without --dry-run it would be 1" in done.stderr


def test_text_shows_hidden_characters_and_gives_a_log_no_command() -> None:
    sneaky = NASTY._replace(path="::error::x")
    text = report_of(NASTY, sneaky).as_text(has_colour=False)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    assert "\u202e" not in text
    assert "\\u202e" in text


def test_many_findings_of_a_rule_are_cut_and_counted() -> None:
    findings = [NASTY._replace(path=f"src/{number}") for number in range(40)]
    text = report_of(*findings).as_text(has_colour=True)
    assert "SPEC001: 10 more; --format json shows all" in text
    assert "\x1b[31merror SPEC001\x1b[0m" in text


def test_the_summary_says_when_there_was_nothing_to_check() -> None:
    report = report_of()._replace(outcome="passed", checked=Checked(0, 0, 1))
    assert "the change touches no code and no spec" in report.summary


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, object]:
    with tarfile.open(fetch(SARIF_SCHEMA)) as archive:
        member = archive.extractfile("sarif_om-1.0.4/sarif-2.1.0-rtm.4.json")
        assert member is not None
        return json.load(member)


@pytest.mark.parametrize(
    "findings",
    [(), (NASTY,), (NASTY._replace(path="", line=0), NASTY._replace(rule="ACME001"))],
    ids=["none", "nasty", "no place"],
)
def test_sarif_follows_the_official_schema(
    sarif_schema: dict[str, object], findings: tuple[Finding, ...]
) -> None:
    document = render_sarif(report_of(*findings), all_rules(), version="1.0")
    # As it goes over the wire: no lone surrogates, nothing but JSON.
    document = json.loads(json.dumps(document, ensure_ascii=False).encode())
    jsonschema.validate(document, sarif_schema)
    assert len(document["runs"][0]["results"]) == len(findings)


def test_sarif_from_the_command_points_at_files_and_rules(
    failing: GuardRepo, sarif_schema: dict[str, object]
) -> None:
    done = run_guard(failing, *AS_OF, "--format", "sarif")
    document = json.loads(done.stdout)
    jsonschema.validate(document, sarif_schema)
    result = document["runs"][0]["results"][-1]
    rule = document["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"]) == ("SPEC002", "SPEC002")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == GOOD
    assert place["region"] == {"startLine": 5}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--staged", "--all"), "exclude each other"),
        (("--staged", "--base", "HEAD"), "exclude each other"),
        (("--head", "HEAD"), "--head goes with --base or --all"),
        (("--as-of", "yesterday"), "is not a valid date"),
        (("--base", "nowhere"), "is not a commit"),
        (("--config", "/no/such/file"), "cannot be read"),
        (("--nonsense",), "No such option"),
    ],
)
def test_wrong_usage_ends_with_two_and_says_why(
    repo: GuardRepo, args: tuple[str, ...], message: str
) -> None:
    done = run_guard(repo, *args)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_that_the_caller_names_is_used(failing: GuardRepo, tmp_path: Path) -> None:
    config = tmp_path / "guard.toml"
    config.write_text('[guard]\ncode = ["app/**"]\nunowned = "ignore"\n')
    assert run_guard(failing, *AS_OF, "--config", str(config)).returncode == 0


def test_the_rules_command_prints_every_rule() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "guard", "rules", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert document["schema"] == "guard-rules.v1"
    assert [rule["code"] for rule in document["rules"]] == [r.code for r in all_rules()]


def test_the_guard_of_a_folder_without_a_repository_is_an_input_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "guard", "--repo", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
