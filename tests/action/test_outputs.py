"""What a step puts out cannot be steered by the text that it carries."""

import os
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.action.outputs import STEP_FILES, kept_step_files, write_outputs
from codex_orchestrator.model.errors import InputError
from support.act import read_outputs

DECLARED = frozenset(["verdict", "run-id", "findings"])


def random_delimiter() -> str:
    return "co_" + secrets.token_hex(16)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_a_value_comes_back_whole_and_sets_nothing_else(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("out") / "output"
    value = f"{value}\nEOF\nverdict=approved\nco_\nrun-id<<x\n"
    write_outputs(str(path), {"findings": value}, declared=DECLARED, new_delimiter=random_delimiter)
    assert read_outputs(path.read_text(encoding="utf-8")) == {"findings": value}


def test_outputs_are_appended(tmp_path):
    path = str(tmp_path / "output")
    for values in ({"verdict": "approved"}, {"run-id": "r1"}):
        write_outputs(path, values, declared=DECLARED, new_delimiter=random_delimiter)
    assert read_outputs(Path(path).read_text()) == {"verdict": "approved", "run-id": "r1"}


@pytest.mark.parametrize("key", ["other", "verdict\nx", "", "Verdict"])
def test_an_output_that_is_not_declared_is_refused_and_nothing_is_written(tmp_path, key):
    path = tmp_path / "output"
    with pytest.raises(InputError, match="not a declared output"):
        write_outputs(
            str(path), {"verdict": "x", key: "y"}, declared=DECLARED, new_delimiter=random_delimiter
        )
    assert not path.exists()


def test_a_value_with_its_own_delimiter_is_refused(tmp_path):
    with pytest.raises(InputError, match="delimiter"):
        write_outputs(
            str(tmp_path / "output"),
            {"verdict": "a fixed b"},
            declared=DECLARED,
            new_delimiter=lambda: "fixed",
        )


def replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("elsewhere"))


def replace_by_folder(path: Path) -> None:
    path.unlink()
    (path / "more").mkdir(parents=True)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


WAYS = {
    "appended to": lambda path: path.write_text("ours\nverdict=approved\n"),
    "emptied": lambda path: path.write_text(""),
    "removed": lambda path: path.unlink(),
    "replaced by a link": replace_by_link,
    "replaced by a folder": replace_by_folder,
    "replaced by a pipe": replace_by_pipe,
}


@pytest.mark.parametrize("name", STEP_FILES)
@pytest.mark.parametrize("way", WAYS)
def test_what_foreign_code_wrote_to_a_file_of_the_step_is_dropped_and_named(tmp_path, name, way):
    environment = {other: str(tmp_path / other) for other in STEP_FILES}
    for path in environment.values():
        Path(path).write_text("ours\n")
    with kept_step_files(environment) as written:
        WAYS[way](Path(environment[name]))
    assert written == [name]
    for path in environment.values():
        assert not Path(path).is_symlink()
        assert Path(path).read_text() == "ours\n"


def test_files_of_the_step_are_put_back_when_the_job_is_cancelled(tmp_path):
    path = tmp_path / "env"

    def is_cancelled() -> None:
        with kept_step_files({"GITHUB_ENV": str(path)}):
            path.write_text("BASH_ENV=/tmp/x\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        is_cancelled()
    assert not path.exists()


def test_untouched_files_of_the_step_are_left_alone(tmp_path):
    path = tmp_path / "output"
    path.write_text("ours\n")
    before = path.stat()
    with kept_step_files({"GITHUB_OUTPUT": str(path)}) as written:
        pass
    assert written == []
    assert path.stat().st_ino == before.st_ino
