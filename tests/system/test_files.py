import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.durable import append_line
from codex_orchestrator.system.files import hash_file, opened, read_file
from support.odd_files import ODD, put_in_place_of


def test_reading_refuses_links_pipes_folders_and_long_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert read_file(tmp_path / "file", max_bytes=4) == b"1234"
    for name, limit in (("link", 4), ("pipe", 4), ("folder", 4), ("file", 3)):
        with pytest.raises(InputError, match=name):
            read_file(tmp_path / name, max_bytes=limit)


@pytest.mark.parametrize("kind", ODD)
def test_nothing_but_a_regular_file_is_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")
    put_in_place_of(path, kind, aside=tmp_path.parent)
    with pytest.raises(InputError, match="file: is "):
        read_file(path, max_bytes=100)
    with pytest.raises(InputError, match="file: is "), opened(path):
        pass
    with pytest.raises(InputError, match="file: is "):
        append_line(path, "line")


def test_a_missing_file_is_told_from_one_that_may_not_be_used(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "gone", max_bytes=4)


def test_a_file_that_does_not_say_its_size_is_read_no_further_than_the_limit() -> None:
    with pytest.raises(InputError, match="the limit is 4"):
        read_file(Path("/proc/self/status"), max_bytes=4)


def test_a_line_is_appended_to_a_file_that_is_made_private(tmp_path: Path) -> None:
    append_line(tmp_path / "lines", "one")
    append_line(tmp_path / "lines", "caf\udce9")
    assert (tmp_path / "lines").read_bytes() == b"one\ncaf\\udce9\n"
    assert (tmp_path / "lines").stat().st_mode & 0o777 == 0o600


def test_a_hash_is_that_of_the_whole_file_wherever_it_was_read_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    with opened(tmp_path / "file") as descriptor:
        os.read(descriptor, 100)
        first = hash_file(descriptor)
        assert hash_file(descriptor) == first
    assert first[1] == 3_000_000
