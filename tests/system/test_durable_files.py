import errno
import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import NotCheckedError, ServiceError
from codex_orchestrator.system.durable import is_process_alive, sweep_folder, write_file
from codex_orchestrator.system.files import convert_storage_errors
from support.faulty_disk import CountingDisk, FaultyDisk


def test_a_written_file_holds_the_bytes_and_is_private(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_the_file_is_synced_before_the_rename_and_the_folder_after_it(tmp_path: Path) -> None:
    disk = CountingDisk()
    write_file(tmp_path / "a", b"one", disk=disk)
    assert disk.calls == [
        "open", "write", "fsync", "close", "replace", "open", "fsync", "close",
    ]  # fmt: skip


def test_a_short_write_is_completed(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"x" * 1000, disk=FaultyDisk(at=1, fault="short"))
    assert (tmp_path / "a").read_bytes() == b"x" * 1000


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("fault", ["ENOSPC", "EIO"])
def test_a_failed_write_leaves_the_old_file_whole_and_nothing_else(
    at: int, fault: str, tmp_path: Path
) -> None:
    write_file(tmp_path / "a", b"old")
    with pytest.raises(ServiceError, match=str(tmp_path / "a")):
        write_file(tmp_path / "a", b"new", disk=FaultyDisk(at=at, fault=fault))
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_full_disk_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="disk full") as caught:
        write_file(tmp_path / "a", b"new", disk=FaultyDisk(at=1, fault="ENOSPC"))
    assert "free some space" in caught.value.fix


def test_a_missing_right_to_write_is_not_checked_rather_than_a_bug() -> None:
    with (
        pytest.raises(NotCheckedError, match="Permission denied"),
        convert_storage_errors(Path("a"), "write"),
    ):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_temporary_file_left_by_an_earlier_process_of_our_number_is_no_obstacle(
    tmp_path: Path,
) -> None:
    (tmp_path / f".a.tmp.{os.getpid()}").write_bytes(b"left")
    write_file(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_in_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / f".a.tmp.{os.getpid()}").symlink_to(tmp_path / "victim")
    write_file(tmp_path / "a", b"new")
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (tmp_path / "a").is_symlink()


def test_sweeping_removes_what_dead_writers_left_and_nothing_else(tmp_path: Path) -> None:
    dead = 2**22 + 1
    assert not is_process_alive(dead)
    for name in (f".a.tmp.{dead}", f".b.tmp.{os.getpid()}", "a.tmp.1", "a"):
        (tmp_path / name).write_bytes(b"")
    assert sweep_folder(tmp_path) == (f".a.tmp.{dead}",)
    assert sorted(os.listdir(tmp_path)) == sorted([f".b.tmp.{os.getpid()}", "a.tmp.1", "a"])
