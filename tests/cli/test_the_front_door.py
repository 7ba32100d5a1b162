"""The command line itself: help, settings, doctor, credentials, and the error boundary."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from codex_orchestrator.cli.bug_report import write_bug_report
from codex_orchestrator.cli.commands import COMMANDS
from codex_orchestrator.compose.settings import in_force, load_settings
from codex_orchestrator.model.config import Settings
from codex_orchestrator.model.errors import InputError
from support.project import CommandLine, git, write

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = {"action"}


def declared_extras() -> set[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return set(document["project"]["optional-dependencies"])


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    git(tmp_path, "-c", "user.name=t", "commit", "-q", "--allow-empty", "-m", "start")
    return tmp_path


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - HIDDEN))
def test_every_command_of_the_table_has_help(name: str, call: CommandLine) -> None:
    done = call(name, "--help")
    assert done.code == 0
    assert "Usage: codex-orchestrator" in done.out


def test_an_unknown_command_is_exit_2(call: CommandLine) -> None:
    done = call("runn")
    assert done.code == 2
    assert "Traceback" not in done.err


def test_doctor_says_what_works_and_where_settings_come_from(repo: Path, call: CommandLine) -> None:
    write(repo, "pyproject.toml", "[tool.codex-orchestrator.model]\nname = 'gpt-x'\n")
    done = call("doctor", "--repo", str(repo), "--format", "json")
    report = json.loads(done.out)
    assert done.code == 3, "there is nothing in the repository"
    assert report["missing"] == ["adapter", "guard.code", "guard.specs"]
    assert report["settings"]["model.name"] == {"value": "gpt-x", "origin": "pyproject.toml"}
    assert report["settings"]["catalog.url"]["origin"] == "default"
    states = {probe["name"]: probe["state"] for probe in report["probes"]}
    assert states["git"] == "works"


def test_doctor_shows_everything_also_when_the_guards_settings_are_wrong(
    repo: Path, call: CommandLine
) -> None:
    (repo / ".codex-orchestrator.toml").write_text("[guard]\nmax_age_days = -1\n")
    done = call("doctor", "--repo", str(repo), "--format", "json")
    report = json.loads(done.out)
    (wrong,) = [probe for probe in report["probes"] if probe["state"] == "wrong"]
    assert done.code == 2
    assert "max_age_days" in wrong["detail"]
    assert report["settings"]["guard.max_age_days"]["value"] == -1
    assert "model.name" in report["settings"]


@pytest.mark.parametrize(
    ("source", "state", "fix"),
    [
        ("environment", "not configured", ""),
        ("vault", "missing", 'set credentials.source = "environment"'),
    ],
)
def test_doctor_says_that_vault_is_not_available_yet(
    repo: Path, call: CommandLine, source: str, state: str, fix: str
) -> None:
    write(repo, ".codex-orchestrator.toml", f"[credentials]\nsource = '{source}'\n")
    report = json.loads(call("doctor", "--repo", str(repo), "--format", "json").out)
    (probe,) = (probe for probe in report["probes"] if "vault" in probe["name"])
    assert (probe["state"], probe["fix"]) == (state, fix)
    assert "not available yet" in probe["detail"]


def test_doctor_looks_at_every_extra_that_the_package_declares(
    repo: Path, call: CommandLine
) -> None:
    report = json.loads(call("doctor", "--repo", str(repo), "--format", "json").out)
    extras = {f"extra [{name}]" for name in declared_extras() - {"all"}}
    shown = {probe["name"] for probe in report["probes"] if probe["name"].startswith("extra ")}
    assert shown == extras


def test_doctor_fails_where_nothing_could_run(tmp_path: Path, call: CommandLine) -> None:
    git(tmp_path, "init", "-q")
    done = call("doctor", "--repo", str(tmp_path))
    assert done.code == 3
    assert "make a first commit" in done.out


def test_credentials_check_prints_no_secret(
    repo: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-123456")
    done = call("credentials", "check", "--repo", str(repo))
    assert done.code == 0
    assert "OPENAI_API_KEY" in done.out
    assert "sk-canary" not in done.out + done.err


def test_a_flag_beats_the_environment_which_beats_the_file(repo: Path) -> None:
    write(repo, "pyproject.toml", "[tool.codex-orchestrator.model]\nname = 'file'\n")

    def name(environ: dict[str, str], flag: str | None) -> tuple[str, str]:
        settings = load_settings(str(repo), None, environ=environ, flags={"model.name": flag})
        return settings.config.model.name, settings.origins["model.name"]

    assert name({}, None) == ("file", "pyproject.toml")
    assert name({"CODEX_ORCHESTRATOR_MODEL": "env"}, None) == ("env", "CODEX_ORCHESTRATOR_MODEL")
    assert name({"CODEX_ORCHESTRATOR_MODEL": "env"}, "flag") == ("flag", "command line")


EVERY_SOURCE = """\
branch_prefix = "bots/"
[model]
name = "of-the-file"
[policy]
run = ["make"]
[guard]
max_age_days = 10
code = ["lib/**"]
[[guard.waivers]]
path = "a"
rule = "SPEC001"
reason = "old"
expires = 2099-01-01
"""
OWN = ".codex-orchestrator.toml"


def origins(settings: Settings) -> dict[str, object]:
    return {key: row["origin"] for key, row in in_force(settings)[0].items()}


def test_each_setting_comes_from_where_doctor_says(repo: Path, call: CommandLine) -> None:
    write(repo, OWN, EVERY_SOURCE)
    shown = json.loads(call("doctor", "--repo", str(repo), "--format", "json").out)["settings"]
    assert {key for key, row in shown.items() if row["origin"] == OWN} == {
        "branch_prefix",
        "model.name",
        "policy.run",
        "guard.max_age_days",
        "guard.code",
        "guard.waivers",
    }
    assert shown["guard.max_age_days"]["value"] == 10
    assert shown["guard.waivers"]["value"][0]["rule"] == "SPEC001"
    assert shown["guard.warn_days"] == {"value": 7, "origin": "default"}
    text = call("doctor", "--repo", str(repo)).out
    assert f"  guard.max_age_days = 10  ({OWN})\n" in text
    assert "  guard.self_review = warn  (default)\n" in text


def test_an_override_is_named_in_place_of_the_file(repo: Path) -> None:
    write(repo, OWN, EVERY_SOURCE)
    environ = {"CODEX_ORCHESTRATOR_CATALOG": "file://x", "CODEX_ORCHESTRATOR_MODEL": "m"}
    found = load_settings(str(repo), None, environ=environ, flags={"model.name": "flag"})
    assert origins(found)["catalog.url"] == "CODEX_ORCHESTRATOR_CATALOG"
    assert origins(found)["model.name"] == "command line"
    assert origins(found)["model.base_url"] == "default"


def test_a_file_named_on_the_command_line_protects_itself_and_is_named(repo: Path) -> None:
    given = write(repo, "ci/orchestrator.toml", EVERY_SOURCE)
    found = load_settings(str(repo), str(given), environ={})
    assert found.config.policy.protected == ("ci/orchestrator.toml",)
    assert origins(found)["policy.protected"] == "command line"
    assert origins(found)["guard.code"] == str(given)


def test_a_mistake_in_the_guards_table_is_the_same_in_doctor(repo: Path, call: CommandLine) -> None:
    write(repo, OWN, "[guard]\nmax_age = 10\n")
    done = call("doctor", "--repo", str(repo))
    assert done.code == 2
    assert f"{OWN}:2: guard.max_age: unknown key; did you mean `max_age_days`?" in done.err


def test_a_project_file_that_only_mentions_us_hides_no_configuration(repo: Path) -> None:
    write(repo, "pyproject.toml", "[project]\ndependencies = ['codex-orchestrator-toolkit']\n")
    write(repo, OWN, EVERY_SOURCE)
    assert load_settings(str(repo), None, environ={}).config.branch_prefix == "bots/"


def test_two_files_that_configure_us_are_a_mistake_and_none_is_passed_over(repo: Path) -> None:
    write(repo, "pyproject.toml", "[tool.codex-orchestrator]\nbranch_prefix = 'x/'\n")
    write(repo, OWN, EVERY_SOURCE)
    with pytest.raises(InputError, match=r"pyproject\.toml has \[tool\.codex-orchestrator\] too"):
        load_settings(str(repo), None, environ={})


def test_guard_and_product_find_the_same_table_in_a_file_of_any_name(
    repo: Path, call: CommandLine
) -> None:
    given = write(repo, "x.toml", "[tool.codex-orchestrator.guard]\nmax_age_days = '1'\n")
    for words in (("guard", "--staged"), ("doctor",)):
        done = call(*words, "--repo", str(repo), "--config", str(given))
        assert done.code == 2
        assert f"{given}:2: guard.max_age_days: must be a number of days" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.codex-orchestrator.catalog]\nurl = 3\n", "pyproject.toml:2: catalog.url"),
        ("[tool.codex-orchestrator]\nbranch_prefx = 'x'\n", "did you mean `branch_prefix`"),
        ("[tool.codex-orchestrator.modle]\nname = 'x'\n", "did you mean `model`"),
        ("[tool.codex-orchestrator.codex]\nparallel = 0\n", "codex.parallel"),
        ("[tool\n", "pyproject.toml"),
    ],
)
def test_wrong_configuration_names_file_line_and_key(repo: Path, text: str, words: str) -> None:
    write(repo, "pyproject.toml", "# codex-orchestrator\n" + text if "[tool\n" in text else text)
    if "[tool\n" in text:
        write(repo, "pyproject.toml", text + "# codex-orchestrator\n")
    with pytest.raises(InputError) as caught:
        load_settings(str(repo), None, environ={})
    assert words in caught.value.message


def test_a_missing_configuration_file_is_named(repo: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml"):
        load_settings(str(repo), str(repo / "none.toml"), environ={})


def test_a_reader_that_goes_away_is_an_interruption_and_no_finding(repo: Path) -> None:
    argv = [sys.executable, "-m", "codex_orchestrator", "guard", "rules", "--format", "text"]
    with subprocess.Popen(
        argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdout = None
        said = process.stderr.read()
        assert process.wait() in (0, 130)
    assert b"Traceback" not in said
    assert b"BrokenPipe" not in said


def test_a_bug_of_ours_leaves_a_report_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "canary-in-the-report")
    error = ValueError("got canary-in-the-report")
    message, _ = write_bug_report(error, ["run", "x"], str(tmp_path))
    report = next(tmp_path.glob("codex-orchestrator-bug-*.txt"))
    assert str(report) in message
    assert "ValueError" in report.read_text()
    assert "canary" not in report.read_text() + message


@pytest.mark.parametrize("header", ["[adapter]", "[[adapter]]"])
def test_one_adapter_and_a_list_of_them_are_one_setting_with_one_origin(
    repo: Path, header: str
) -> None:
    write(repo, OWN, f'{header}\nid = "go"\n')
    found = load_settings(str(repo), None, environ={})
    assert origins(found)["adapter"] == OWN
    assert [entry.id for entry in found.config.adapter] == ["go"]
