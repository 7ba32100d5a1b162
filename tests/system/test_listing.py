"""The files of a work tree: asked for each time, or once where nothing changes them."""

from pathlib import Path

from codex_orchestrator.system.listing import list_files, listed_once
from support.project import git, write


def test_files_are_listed_once_where_that_was_asked_for_and_anew_after_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.py", "x\n")
    with listed_once():
        assert list_files(tmp_path) == ["a.py"]
        write(tmp_path, "b.py", "x\n")
        with listed_once():
            list_files(tmp_path).append("not a file")
            assert list_files(tmp_path) == ["a.py"]
        assert list_files(tmp_path) == ["a.py"]
    assert list_files(tmp_path) == ["a.py", "b.py"]
