import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.system.confined import ConfinedTree, parts_of
from support.workspace import write_files

LIMIT = 1024 * 1024


@pytest.fixture
def outside(tmp_path) -> Path:
    write_files(tmp_path, {"outside/secret.txt": "secret", "tree/a/plain.txt": "plain"})
    return tmp_path / "outside"


@pytest.fixture
def root(outside, tmp_path) -> Path:
    return tmp_path / "tree"


@pytest.fixture
def tree(root):
    tree = ConfinedTree(root, max_bytes=LIMIT)
    yield tree
    tree.close()


def state_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_read_with_its_mode(tree, root):
    (root / "a/plain.txt").chmod(0o754)
    assert tree.read("./a//plain.txt") == (b"plain", 0o754)


@pytest.mark.parametrize("name", ["link", "folder/secret.txt", "loop/x", "dangling"])
def test_no_link_is_followed(name, tree, root, outside):
    (root / "link").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    with pytest.raises(InputError, match="link"):
        tree.read(name)


def test_nothing_is_written_or_removed_through_a_link(tree, root, outside):
    (root / "folder").symlink_to(outside)
    before = state_of(outside)
    with pytest.raises(InputError, match="links are not followed"):
        tree.replace("folder/new.txt", b"x", mode=0o644, makes_folders=True)
    with pytest.raises(InputError, match="links are not followed"):
        tree.replace("folder/deep/new.txt", b"x", mode=0o644, makes_folders=True)
    with pytest.raises(InputError, match="links are not followed"):
        tree.remove("folder/secret.txt")
    assert state_of(outside) == before
    assert sorted(os.listdir(outside)) == ["secret.txt"]


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_written_through(tree, root, outside):
    (root / "link").symlink_to(outside / "secret.txt")
    tree.replace("link", b"mine", mode=0o644, makes_folders=True)
    assert (outside / "secret.txt").read_text() == "secret"
    assert not (root / "link").is_symlink()


def test_a_hard_link_is_not_read_and_not_written_through(tree, root, outside):
    os.link(outside / "secret.txt", root / "hard.txt")
    with pytest.raises(InputError, match="second name"):
        tree.read("hard.txt")
    tree.replace("hard.txt", b"mine", mode=0o644, makes_folders=True)
    assert (outside / "secret.txt").read_text() == "secret"


def test_a_pipe_and_a_socket_do_not_hang_a_reader(tree, root):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "sock"))
        for name in ("pipe", "sock"):
            with pytest.raises(InputError, match="not a regular file"):
                tree.read(name)


def test_a_huge_file_is_refused_by_its_size(tree, root):
    with open(root / "huge", "wb") as stream:
        stream.truncate(LIMIT + 1)
    with pytest.raises(InputError, match="the limit is"):
        tree.read("huge")


def test_a_root_that_is_swapped_is_still_the_one_that_was_opened(tree, root, outside):
    root.rename(root.with_name("moved"))
    root.symlink_to(outside)
    assert tree.read("a/plain.txt").data == b"plain"
    assert tree.kind("secret.txt") == ""


def test_a_new_file_gets_its_folders_and_its_mode(tree, root):
    tree.replace("x/y/new.sh", b"#!/bin/sh\n", mode=0o755, makes_folders=True)
    assert (root / "x/y/new.sh").read_bytes() == b"#!/bin/sh\n"
    assert (root / "x/y/new.sh").stat().st_mode & 0o777 == 0o755


def test_a_removed_file_takes_its_empty_folders_with_it(tree, root):
    write_files(root, {"x/y/only.txt": "", "x/other.txt": ""})
    tree.remove("x/y/only.txt")
    assert sorted(os.listdir(root / "x")) == ["other.txt"]


def test_a_folder_is_not_replaced_by_a_file(tree, root):
    with pytest.raises(InputError, match="is a folder"):
        tree.replace("a", b"x", mode=0o644, makes_folders=True)
    assert sorted(os.listdir(root)) == ["a"]


def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path, small_disk):
    write_files(small_disk, {"f.txt": "old"})
    tree = ConfinedTree(small_disk, max_bytes=LIMIT)
    with pytest.raises(ServiceError, match=r"f\.txt: cannot be written: No space left"):
        tree.replace("f.txt", b"x" * 200_000, mode=0o644, makes_folders=True)
    tree.close()
    assert state_of(small_disk) == {str(small_disk / "f.txt"): b"old"}


PARTS = st.sampled_from(
    ["..", ".", "", "a", "plain.txt", ".git", ".GIT", "link", "folder", "~", "C:", "x\0", "é", "-"]
)
PATHS = st.one_of(st.text(max_size=20), st.lists(PARTS, max_size=6).map("/".join))


@settings(max_examples=300, deadline=None)
@given(PATHS)
def test_no_path_leads_out_of_the_tree_or_into_git(tmp_path_factory, path):
    top = tmp_path_factory.getbasetemp() / "confined"
    if not top.exists():
        write_files(top, {"secret.txt": "outside", "tree/.git/config": "outside"})
        write_files(top, {"tree/a/plain.txt": "inside", "tree/plain.txt": "inside"})
        (top / "tree/link").symlink_to("../secret.txt")
        (top / "tree/folder").symlink_to("..")
    tree = ConfinedTree(top / "tree", max_bytes=LIMIT)
    try:
        assert tree.read(path).data == b"inside"
    except InputError:
        pass
    finally:
        tree.close()


@given(PATHS)
def test_parts_are_names_and_nothing_else(path):
    try:
        parts = parts_of(path)
    except InputError:
        return
    assert parts
    assert not any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts)
    assert not any(part.casefold() == ".git" for part in parts)
