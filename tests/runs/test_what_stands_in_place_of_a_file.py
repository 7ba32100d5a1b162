"""A pipe, a link, a device or a folder in the place of a file of a run: named, and never waited on.

Whoever may write into the checkout can put one there, a test of a task for example.
"""

import json
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.runs.staging import restore_run, stage_run
from support.odd_files import ODD, put_in_place_of
from support.project import CommandLine
from support.runs_build import RUN, finish_run

pytestmark = pytest.mark.timeout(60)
TASK = "0007-logging"
ARTIFACT = ("--id", "1", "--digest", "a" * 64, "--url", "https://github.com/o/r/a/1")
FOLDER = f".runs/{TASK}/{RUN}"


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], repo: Path) -> CommandLine:
    line = CommandLine(capfd)
    return lambda *argv: line(*argv, "--repo", str(repo))  # type: ignore[return-value]


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(
    ("argv", "file", "code"),
    [
        (("runs", "show", RUN), f"{FOLDER}/manifest.json", 2),
        (("runs", "list"), f"{FOLDER}/manifest.json", 0),
        (("runs", "verify"), f"{FOLDER}/manifest.json", 1),
        (("runs", "verify"), f"{FOLDER}/diff.patch", 1),
        (("runs", "verify"), f"{FOLDER}/tests/pytest.log", 1),
        (("runs", "verify"), f"out/{TASK}/state.json", 1),
        (("runs", "verify"), "out/audit.log", 2),
        (("runs", "gc", "--keep", "0"), f"{FOLDER}/manifest.json", 0),
        (("audit", "verify"), "out/audit.log", 2),
        (("audit", "show"), "out/audit.log", 2),
        (("review", "publish", RUN, "--staged-only"), f"{FOLDER}/manifest.json", 2),
        (("review", "publish", RUN, "--staged-only"), f"{FOLDER}/diff.patch", 3),
        (("sync",), f"{FOLDER}/manifest.json", 1),
        (("sync",), f"{FOLDER}/diff.patch", 1),
        (("sync",), f"out/{TASK}/state.json", 1),
        (("sync",), "out/audit.log", 2),
        (("run", "--resume", RUN), f"{FOLDER}/manifest.json", 2),
    ],
)
def test_every_reader_names_what_is_no_file(
    argv: tuple[str, ...],
    file: str,
    code: int,
    kind: str,
    repo: Path,
    tmp_path: Path,
    call: CommandLine,
) -> None:
    finish_run(repo)
    put_in_place_of(repo / file, kind, aside=tmp_path)
    done = call(*argv)
    assert done.code == code, done.err
    assert Path(file).name in done.out + done.err


@pytest.mark.parametrize("kind", ODD)
def test_a_record_of_an_artifact_that_is_no_file_is_named(
    kind: str, repo: Path, tmp_path: Path, call: CommandLine
) -> None:
    finish_run(repo)
    assert call("sync", "record-artifact", RUN, *ARTIFACT).code == 0
    put_in_place_of(repo / f"out/{TASK}/artifacts/{RUN}.json", kind, aside=tmp_path)
    for argv in (("sync", "--require-artifact"), ("sync", "record-artifact", RUN, *ARTIFACT)):
        done = call(*argv)
        assert done.code == 2
        assert f"{RUN}.json" in done.err


@pytest.mark.parametrize("kind", ODD)
def test_a_state_file_that_is_no_file_is_written_anew(
    kind: str, repo: Path, tmp_path: Path, call: CommandLine
) -> None:
    finish_run(repo)
    put_in_place_of(repo / f"out/{TASK}/state.json", kind, aside=tmp_path)
    done = call("runs", "rebuild")
    assert done.code == (4 if kind == "folder" else 0)
    if kind != "folder":
        assert json.loads((repo / f"out/{TASK}/state.json").read_text())["runs"]
        assert not (repo / f"out/{TASK}/state.json").is_symlink()


@pytest.mark.parametrize("kind", ODD)
def test_a_remembered_head_that_is_no_file_is_no_obstacle(
    kind: str, repo: Path, tmp_path: Path, call: CommandLine
) -> None:
    finish_run(repo)
    put_in_place_of(repo / "out/audit.head.json", kind, aside=tmp_path)
    assert call("audit", "verify").code == 0


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "folder"])
@pytest.mark.parametrize("file", ["diff.patch", "manifest.json", "tests/pytest.log"])
def test_a_run_is_not_staged_with_what_is_no_file(
    file: str, kind: str, repo: Path, tmp_path: Path
) -> None:
    finish_run(repo)
    stage_run(repo, TASK, RUN, tmp_path / "whole")
    put_in_place_of(repo / FOLDER / file, kind, aside=tmp_path)
    with pytest.raises(InputError, match=rf"{Path(file).name}: is "):
        stage_run(repo, TASK, RUN, tmp_path / "staged")
    put_in_place_of(tmp_path / "whole" / "runs" / TASK / RUN / file, kind, aside=tmp_path)
    with pytest.raises(InputError, match=rf"{Path(file).name}: is "):
        restore_run(tmp_path / "whole", tmp_path / "fresh")
