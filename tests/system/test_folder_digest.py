import os

import pytest

from codex_orchestrator.system.folder_digest import digest_folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    (tmp_path / "lib" / "deep" / "module.py").write_text("VALUE = 1\n")
    (tmp_path / "lib" / "link").symlink_to("deep/module.py")
    return tmp_path / "lib"


def rewrite_and_set_the_time_back(folder):
    file = folder / "deep" / "module.py"
    before = file.stat()
    file.write_text("VALUE = 2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_rename(folder):
    (folder / "new").write_text("VALUE = 2\n")
    (folder / "new").rename(folder / "deep" / "module.py")


CHANGES = {
    "content with its old time": rewrite_and_set_the_time_back,
    "replaced": replace_by_rename,
    "mode": lambda folder: (folder / "deep" / "module.py").chmod(0o600),
    "new file": lambda folder: (folder / "deep" / "more.py").touch(),
    "removed file": lambda folder: (folder / "deep" / "module.py").unlink(),
    "moved file": lambda folder: (folder / "deep" / "module.py").rename(folder / "module.py"),
    "other link": lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("x")),
    "other folder": lambda folder: (folder / "deep").rename(folder / "other"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_kind_of_change_is_seen(folder, change):
    before = digest_folder(str(folder))
    change(folder)
    assert digest_folder(str(folder)) != before


def test_reading_changes_nothing(folder):
    before = digest_folder(str(folder))
    (folder / "deep" / "module.py").read_text()
    assert digest_folder(str(folder)) == before


def test_what_lies_behind_a_link_is_not_looked_at(folder, tmp_path):
    (tmp_path / "outside").mkdir()
    (folder / "away").symlink_to(tmp_path / "outside")
    before = digest_folder(str(folder))
    (tmp_path / "outside" / "new").touch()
    assert digest_folder(str(folder)) == before


def test_a_folder_that_is_not_there_is_not_one_that_is_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    gone = digest_folder(str(tmp_path / "gone"))
    assert gone != digest_folder(str(tmp_path / "empty"))
    (tmp_path / "gone").mkdir()
    assert digest_folder(str(tmp_path / "gone")) != gone
