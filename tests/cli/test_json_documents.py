"""`--format json` prints one document, and every document says by `schema` what it is."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from codex_orchestrator.cli.commands import COMMANDS, app
from codex_orchestrator.cli.commands import call as run_command
from support.pattern_files import codemod_files, write_files
from support.project import CommandLine, commit_all, make_project, task_with, write

NAMED = re.compile(r"[a-z]+(-[a-z]+)*\.v[0-9]+")
RUN = "RUN"
"""Stands for the id of the run that every one of these commands finds."""
COMMANDS_WITH_JSON = {
    "audit show": (),
    "audit verify": (),
    "catalog search": (),
    "credentials check": (),
    "doctor": (),
    "guard": ("--all",),
    "guard rules": (),
    "init": ("--dry-run",),
    "patterns apply": ("py-old-name", "--dry-run"),
    "patterns check": (),
    "patterns lint": (),
    "patterns list": (),
    "patterns test": (),
    "review publish": (RUN, "--post", "summary"),
    "run": ("logging", "--dry-run"),
    "runs gc": ("--keep", "5"),
    "runs list": (),
    "runs show": (RUN,),
    "runs verify": (),
    "spec propose": ("--dry-run",),
    "sync": ("--dry-run",),
}
MORE = {
    "review publish": (RUN, "--staged-only"),
    "run": ("logging",),
    "sync": ("record-artifact", RUN, "--id", "1", "--digest", "0" * 64, "--url", "https://e.org/1"),
}
WITHOUT_REPOSITORY = {"guard rules"}


def commands_with_json(group: click.Group, above: str = "") -> Iterator[str]:
    """Yield the words of every command of the tree that offers `--format json`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = f"{above} {name}".strip()
        for option in command.params:
            if option.name == "output_format" and "json" in option.type.choices:  # type: ignore[attr-defined]
                yield words
        if isinstance(command, click.Group):
            yield from commands_with_json(command, words)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a repository with a pattern of its own and a finished run, and the run's id."""
    repo = make_project(tmp_path_factory.mktemp("json") / "repo")
    write_files(repo, codemod_files("py-old-name"))
    assert run_command(["patterns", "build", "--repo", str(repo)]) == 0
    commit_all(repo, "a pattern")
    run_command(["run", "logging", "--repo", str(repo)])
    [manifest] = repo.glob(".runs/logging/*/manifest.json")
    return repo, manifest.parent.name


def test_the_table_of_this_test_has_every_command_that_offers_json() -> None:
    assert sorted(commands_with_json(app)) == sorted(COMMANDS_WITH_JSON)
    assert set(COMMANDS) >= {words.split()[0] for words in COMMANDS_WITH_JSON}


@pytest.mark.parametrize(
    ("words", "options"), [*COMMANDS_WITH_JSON.items(), *MORE.items()], ids=str
)
def test_every_document_names_its_schema(
    words: str,
    options: tuple[str, ...],
    project: tuple[Path, str],
    call: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repo, run_id = project
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    place = () if words in WITHOUT_REPOSITORY else ("--repo", str(repo))
    given = (run_id if option == RUN else option for option in options)
    done = call(*words.split(), *given, *place, "--format", "json")
    document = json.loads(done.out)
    assert NAMED.fullmatch(document["schema"]), done.out
    assert done.code in (0, 1)


def test_sarif_names_the_schema_that_others_gave_it(
    project: tuple[Path, str], call: CommandLine
) -> None:
    done = call("guard", "--all", "--repo", str(project[0]), "--format", "sarif")
    assert json.loads(done.out)["$schema"].endswith("sarif-2.1.0.json")


def test_a_job_matrix_is_in_the_form_of_github_which_has_no_schema(
    project: tuple[Path, str], call: CommandLine
) -> None:
    done = call("run", "--matrix", "logging", "--repo", str(project[0]), "--format", "json")
    assert list(json.loads(done.out)) == ["include"]


HOLDER = """
import sys
from pathlib import Path
from codex_orchestrator.runs.lock import lock_task
from codex_orchestrator.system.clock import utc_now
with lock_task(Path(sys.argv[1]), "logging", holder="another", operation="run", clock=utc_now):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def locked_by_another(repo: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(repo)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.communicate(b"")


@pytest.mark.parametrize(
    ("options", "settings", "code"),
    [
        (("NO_SUCH",), "", 2),
        (("NO_SUCH", "--dry-run"), "", 2),
        ((), "", 2),
        (("--resume", "nosuch"), "", 2),
        (("logging", "--from-artifact"), "", 2),
        (("logging", "--approve", "everything"), "", 2),
        (("logging", "--events", "-"), "", 2),
        (("logging", "--config", "nosuch.toml"), "", 2),
        (("logging",), "[modle]\nname = 'x'\n", 2),
        (("brief",), "", 2),
        (("brief", "--model", "x"), "[credentials]\nsource = 'vault'\n", 3),
        (("brief", "--mode", "cloud", "--model", "x"), "", 3),
    ],
)
def test_an_error_before_a_run_is_a_report_without_a_verdict(
    tmp_path: Path, call: CommandLine, options: tuple[str, ...], settings: str, code: int
) -> None:
    brief = task_with(id="brief", steps="")
    repo = make_project(tmp_path, **{"tasks/brief.md": brief})
    write(repo, ".codex-orchestrator.toml", settings)
    done = call("run", *options, "--repo", str(repo), "--format", "json")
    report = json.loads(done.out)
    assert (done.code, report["exit_code"], report["verdict"]) == (code, code, None)
    assert (report["schema"], report["run_id"], report["state"]) == ("run-report.v1", None, None)
    assert f"error: {report['reason']}\n" in done.err
    assert report["fix"] in done.err


def test_a_task_at_work_elsewhere_is_reported_with_exit_5(
    project: tuple[Path, str], call: CommandLine
) -> None:
    with locked_by_another(project[0]):
        done = call("run", "logging", "--repo", str(project[0]), "--format", "json")
    report = json.loads(done.out)
    assert (done.code, report["exit_code"], report["verdict"]) == (5, 5, None)
    assert "another" in report["reason"]


def test_people_get_no_report_of_an_error_on_stdout(
    project: tuple[Path, str], call: CommandLine
) -> None:
    assert call("run", "NO_SUCH", "--repo", str(project[0])).out == ""
