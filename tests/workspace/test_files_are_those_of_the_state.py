"""What is checked is what a checkout of the recorded state holds, not what git takes for equal."""

import os
import stat

import pytest

BYTES = b"a\r\nb\r\n"
OF_A_CHECKOUT = {"text": b"a\nb\n", "text eol=crlf": b"a\r\nb\r\n", "-text": b"a\r\nb\r\n"}


@pytest.mark.parametrize("attribute", sorted(OF_A_CHECKOUT))
@pytest.mark.parametrize("way", ["restore", "take_back"])
def test_line_ends_are_those_that_the_branch_gives(workspace, way, attribute):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        (tree.root / ".gitattributes").write_text(f"*.txt {attribute}\n*.md {attribute}\n")
        (tree.root / "new.txt").write_bytes(BYTES)
        (tree.root / "README.md").write_bytes(BYTES)
        state = tree.snapshot()
        getattr(tree, way)(state)
        assert (tree.root / "new.txt").read_bytes() == OF_A_CHECKOUT[attribute]
        assert (tree.root / "README.md").read_bytes() == OF_A_CHECKOUT[attribute]


@pytest.mark.parametrize("way", ["restore", "take_back"])
def test_permissions_are_those_of_a_checkout(workspace, way):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        usual = stat.S_IMODE((tree.root / "README.md").stat().st_mode)
        (tree.root / "new.py").write_text("x = 1\n")
        (tree.root / "new.py").chmod(0o600)
        state = tree.snapshot()
        getattr(tree, way)(state)
        assert stat.S_IMODE((tree.root / "new.py").stat().st_mode) == usual


def test_a_file_that_is_another_name_of_one_outside_becomes_a_file_of_its_own(workspace, tmp_path):
    (tmp_path / "outside").write_text("x = 1\n")
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        os.link(tmp_path / "outside", tree.root / "new.py")
        tree.restore(tree.snapshot())
        assert (tree.root / "new.py").stat().st_nlink == 1
        assert (tree.root / "new.py").read_text() == "x = 1\n"


def test_what_was_not_touched_is_not_written_again(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        before = (tree.root / "README.md").stat().st_ino
        (tree.root / "new.py").write_text("x = 1\n")
        tree.restore(tree.snapshot())
        assert (tree.root / "README.md").stat().st_ino == before
