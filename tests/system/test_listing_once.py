"""A large work tree is listed once where nothing changes it."""

from pathlib import Path

from codex_orchestrator.system.listing import list_files, listed_once


def test_a_work_tree_is_listed_once_in_a_block_and_anew_after_it(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with listed_once():
        assert list_files(tmp_path) == ["a"]
        (tmp_path / "b").touch()
        list_files(tmp_path).clear()
        assert list_files(tmp_path) == ["a"]
    assert list_files(tmp_path) == ["a", "b"]
