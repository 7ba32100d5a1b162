import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.system.folders import check_private, make_folder, remove_tree


def test_a_made_folder_is_private(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a")
    assert not make_folder(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "a").symlink_to(tmp_path / "real")
    with pytest.raises(InputError, match="symbolic link"):
        make_folder(tmp_path / "a")


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(InputError, match="not a folder"):
        make_folder(tmp_path / "a")


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_is_refused(mode: int, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(mode)
    with pytest.raises(InputError, match="other users") as caught:
        check_private(tmp_path / "a")
    assert "chmod" in caught.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    os.chown(tmp_path / "a", 12345, -1)
    with pytest.raises(InputError, match="belongs to user 12345"):
        check_private(tmp_path / "a")


def test_a_folder_that_its_owner_may_not_write_is_removed_and_no_link_is_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "outside").mkdir(mode=0o500)
    (tmp_path / "a/locked").mkdir(parents=True)
    (tmp_path / "a/locked/file").write_bytes(b"")
    (tmp_path / "a/link").symlink_to(tmp_path / "outside")
    (tmp_path / "a/locked").chmod(0)
    remove_tree(tmp_path / "a")
    remove_tree(tmp_path / "a")
    assert os.listdir(tmp_path) == ["outside"]
    assert (tmp_path / "outside").stat().st_mode & 0o777 == 0o500


def test_a_folder_that_is_nested_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/0").write_bytes(b"")
    folder = os.open(tmp_path / "a", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deeper", dir_fd=folder)
        below = os.open("deeper", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    remove_tree(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_a_link_in_place_of_a_folder_to_remove_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real/kept").mkdir(parents=True)
    (tmp_path / "a").symlink_to(tmp_path / "real")
    with pytest.raises(ServiceError, match="cannot be removed"):
        remove_tree(tmp_path / "a")
    assert (tmp_path / "real/kept").is_dir()
