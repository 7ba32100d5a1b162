"""A run travels through an artifact and back, and nothing else does."""

import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.runs.staging import MAX_FILES, restore_run, stage_run

TASK, RUN = "0001-x", "20261122t100000z-abc123"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files = {
        f".runs/{TASK}/{RUN}/manifest.json": "{}",
        f".runs/{TASK}/{RUN}/tests/test.log": "ok",
        f".runs/{TASK}/{RUN}/.manifest.json.tmp.1": "half",
        f".runs/{TASK}/other/manifest.json": "{}",
        f".runs/{TASK}.lock": "",
        f"out/{TASK}/state.json": "{}",
        "out/other/state.json": "{}",
        "out/audit.log": "{}\n",
        "out/audit.head.json": "{}",
        ".env": "SECRET=1",
    }
    for name, text in files.items():
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_text(text)
    return tmp_path / "repo"


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_one_run_its_state_and_the_log_are_staged_without_hidden_names(repo, tmp_path):
    stage_run(repo, TASK, RUN, tmp_path / "staged")
    assert names(tmp_path / "staged") == {
        f"runs/{TASK}/{RUN}/manifest.json",
        f"runs/{TASK}/{RUN}/tests/test.log",
        f"out/{TASK}/state.json",
        "out/audit.log",
        "out/audit.head.json",
    }


def test_staging_again_leaves_nothing_of_the_run_before(repo, tmp_path):
    stage_run(repo, TASK, RUN, tmp_path / "staged")
    stage_run(repo, TASK, "other", tmp_path / "staged")
    assert f"runs/{TASK}/{RUN}/manifest.json" not in names(tmp_path / "staged")


def test_what_was_staged_comes_back_in_its_place_and_private(repo, tmp_path):
    stage_run(repo, TASK, RUN, tmp_path / "staged")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    before = os.umask(0o002)
    try:
        assert restore_run(tmp_path / "staged", fresh) == (TASK, RUN)
    finally:
        os.umask(before)
    assert (fresh / ".runs" / TASK / RUN / "tests" / "test.log").read_text() == "ok"
    assert (fresh / "out" / "audit.log").exists()
    for folder in (".runs", f".runs/{TASK}/{RUN}/tests", "out"):
        assert (fresh / folder).stat().st_mode & 0o077 == 0


def test_a_run_that_is_not_there_is_named(repo, tmp_path):
    with pytest.raises(InputError, match="no run 0001-x/gone"):
        stage_run(repo, TASK, "gone", tmp_path / "staged")


def test_a_checkout_with_runs_of_its_own_is_left_alone(repo, tmp_path):
    stage_run(repo, TASK, RUN, tmp_path / "staged")
    with pytest.raises(InputError, match="fresh checkout"):
        restore_run(tmp_path / "staged", repo)


@pytest.mark.parametrize("kind", ["symbolic link", "pipe", "folder link"])
def test_what_is_no_regular_file_is_refused_and_nothing_is_written(repo, tmp_path, kind):
    stage_run(repo, TASK, RUN, tmp_path / "staged")
    place = tmp_path / "staged" / "runs" / TASK / RUN / "planted"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/etc/passwd" if kind == "symbolic link" else "/etc")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with pytest.raises(InputError, match="not a regular file"):
        restore_run(tmp_path / "staged", fresh)
    assert names(fresh) == set()


@pytest.mark.parametrize("name", ["UPPER", "a..b", "con", "x" * 65])
def test_a_folder_that_is_no_id_is_refused(tmp_path, name):
    (tmp_path / "staged" / "runs" / name).mkdir(parents=True)
    with pytest.raises(InputError, match="named by an id"):
        restore_run(tmp_path / "staged", tmp_path / "fresh")


def test_two_runs_in_one_artifact_are_refused(tmp_path):
    for run in ("a", "b"):
        (tmp_path / "staged" / "runs" / TASK / run).mkdir(parents=True)
    with pytest.raises(InputError, match="exactly one folder"):
        restore_run(tmp_path / "staged", tmp_path / "fresh")


def test_an_empty_artifact_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        restore_run(tmp_path / "staged", tmp_path / "fresh")


def test_a_name_with_hidden_characters_is_refused(repo, tmp_path):
    stage_run(repo, TASK, RUN, tmp_path / "staged")
    (tmp_path / "staged" / "runs" / TASK / RUN / "a\u202eb").write_text("x")
    with pytest.raises(InputError, match="invisible"):
        restore_run(tmp_path / "staged", tmp_path / "fresh")


def test_more_files_than_an_artifact_may_hold_are_refused(repo, tmp_path):
    folder = repo / ".runs" / TASK / RUN / "many"
    folder.mkdir()
    for number in range(MAX_FILES + 1):
        (folder / str(number)).touch()
    with pytest.raises(InputError, match="more than an artifact may hold"):
        stage_run(repo, TASK, RUN, tmp_path / "staged")
