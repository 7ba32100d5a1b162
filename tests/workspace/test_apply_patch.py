import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.workspace.apply_patch import apply_edits
from codex_orchestrator.workspace.hunks import apply_hunks
from codex_orchestrator.workspace.patch import PatchError, touched_paths
from codex_orchestrator.workspace.read_patch import parse_patch
from codex_orchestrator.workspace.tools import MAX_FILE_BYTES
from support.workspace import write_files


@pytest.fixture
def root(tmp_path) -> Path:
    write_files(tmp_path / "tree", {"a.py": "one\ntwo\nthree\n", "run.sh": "#!/bin/sh\n"})
    (tmp_path / "tree/run.sh").chmod(0o755)
    return tmp_path / "tree"


def apply(root: Path, patch: str) -> dict[str, str]:
    tree = ConfinedTree(root, max_bytes=MAX_FILE_BYTES)
    try:
        return {done.path: done.action for done in apply_edits(tree, parse_patch(patch))}
    finally:
        tree.close()


def envelope(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


def changed(data: str, patch: str) -> str:
    (edit,) = parse_patch(patch)
    return apply_hunks(data.encode(), edit.hunks, path=edit.path).decode()


def test_files_are_added_updated_deleted_and_renamed_in_one_patch(root):
    write_files(root, {"old.txt": "x\n", "gone/deep.txt": "y\n"})
    patch = envelope(
        *("*** Add File: new/file.txt", "+hello", "+"),
        *("*** Update File: a.py", "@@", " one", "-two", "+TWO"),
        *("*** Delete File: gone/deep.txt",),
        *("*** Update File: old.txt", "*** Move to: moved.txt", "@@", "-x", "+z"),
    )
    assert apply(root, patch) == {
        "a.py": "updated",
        "gone/deep.txt": "deleted",
        "moved.txt": "added",
        "new/file.txt": "added",
        "old.txt": "deleted",
    }
    assert (root / "new/file.txt").read_text() == "hello\n\n"
    assert (root / "a.py").read_text() == "one\nTWO\nthree\n"
    assert (root / "moved.txt").read_text() == "z\n"
    assert not (root / "gone").exists()


def test_both_sides_of_a_rename_are_touched():
    patch = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
    assert touched_paths(parse_patch(patch)) == ("x", "y")


def test_a_mode_is_kept_and_can_be_changed(root):
    apply(root, "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-#!/bin/sh\n+#!/bin/bash\n")
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
    apply(root, "diff --git a/a.py b/a.py\nold mode 100644\nnew mode 100755\n")
    assert (root / "a.py").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "header",
    [
        "new file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        "new file mode 160000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+Subproject commit 0\n",
        "old mode 100644\nnew mode 120000\n",
        "new file mode 104755\n",
    ],
)
def test_a_patch_makes_no_link_and_no_submodule(header, root):
    with pytest.raises(PatchError, match="only regular files"):
        apply(root, f"diff --git a/x b/x\n{header}")
    assert not os.path.lexists(root / "x")


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("", "names no file"),
        ("just words", "names no file"),
        ("*** Begin Patch\n", "does not end with"),
        (envelope(), "names no file"),
        (envelope("*** Add File: "), "patch:2: no file name"),
        (envelope("*** Add File: x", "hello"), r"patch:3: a line of a new file must begin with \+"),
        (envelope("*** Update File: a.py"), "patch:2: an updated file needs a change"),
        (envelope("*** Update File: a.py", "@@", "?x"), "patch:4: a line of a hunk must begin"),
        (envelope("*** Update File: a.py", "@@", " one"), "patch:3: a hunk without"),
        (envelope("what"), "patch:2: expected"),
        (envelope("*** Add File: a.py", "+x"), "a.py: exists already"),
        (envelope("*** Delete File: b.py"), "b.py: no such file"),
        (envelope("*** Update File: b.py", "@@", "-x"), "b.py: no such file"),
        (envelope("*** Update File: a.py", "*** Move to: run.sh"), "run.sh: exists already"),
        (envelope("*** Update File: a.py", "@@", "-one", "+one"), "changes nothing"),
        (envelope("*** Add File: ../x", "+x"), "leaves the repository"),
        (envelope("*** Add File: .git/hooks/x", "+x"), "leaves the repository or enters"),
        (envelope("*** Add File: a.py/x", "+x"), "is a link or no folder"),
        ("@@ -1 +1 @@\n-one\n+x\n", "patch:1: a hunk without --- and"),
        ("--- a/a.py\n+++ b/a.py\n", "no hunk for this file"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one\nbad\n", "must begin with a space"),
        ("--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", "has more lines than that"),
        ("diff --git a/x b/x\nGIT binary patch\nliteral 0\n", "binary patch"),
        ("diff --git a/x b/y\ncopy from x\ncopy to y\n", "copied file"),
        ("diff --git a/a.py b/a.py\nindex 1..2\n", "no change of this file"),
    ],
)
def test_a_patch_that_is_wrong_is_told_so_and_changes_nothing(patch, words, root):
    before = {path: path.read_bytes() for path in root.iterdir()}
    with pytest.raises(InputError, match=words):
        apply(root, patch)
    assert {path: path.read_bytes() for path in root.iterdir()} == before


def test_line_counts_that_are_wrong_do_not_matter():
    patch = "--- a/f\n+++ b/f\n@@ -1,9 +1,2 @@\n a\n-b\n+B\n+C\n c\n"
    assert changed("a\nb\nc\n", patch) == "a\nB\nC\nc\n"


def test_counts_that_are_too_small_do_not_cut_a_hunk():
    patch = "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n+A\n\n-c\n+C\n"
    assert changed("a\n\nc\n", patch) == "A\n\nC\n"


def test_a_line_number_that_is_wrong_is_mended_by_the_context():
    patch = "--- a/f\n+++ b/f\n@@ -40,2 +40,2 @@\n b\n-c\n+C\n"
    assert changed("a\nb\nc\n", patch) == "a\nb\nC\n"


def test_a_hunk_that_fits_two_places_fits_none():
    with pytest.raises(PatchError, match=r"fits 2 places \(lines 1, 3\)"):
        changed("x\ny\nx\n", envelope("*** Update File: f", "@@", "-x", "+z"))


def test_a_line_number_chooses_among_places_that_look_alike():
    patch = "--- a/f\n+++ b/f\n@@ -3 +3 @@\n-x\n+z\n"
    assert changed("x\ny\nx\n", patch) == "x\ny\nz\n"


def test_an_anchor_chooses_among_places_that_look_alike():
    patch = envelope("*** Update File: f", "@@ class B", "     pass")
    patch = patch.replace("     pass", "-    pass\n+    x = 1")
    assert changed("class A:\n    pass\nclass B:\n    pass\n", patch) == (
        "class A:\n    pass\nclass B:\n    x = 1\n"
    )


def test_an_anchor_that_is_not_there_is_named():
    with pytest.raises(PatchError, match="no line 'class C'"):
        changed("a\n", envelope("*** Update File: f", "@@ class C", "-a", "+b"))


def test_the_end_of_the_file_chooses_the_last_place():
    patch = envelope("*** Update File: f", "@@", "-x", "+z", "*** End of File")
    assert changed("x\ny\nx\n", patch) == "x\ny\nz\n"


def test_lines_without_context_go_to_the_end_or_after_their_anchor():
    assert changed("a\n", envelope("*** Update File: f", "@@", "+b")) == "a\nb\n"
    assert changed("a\nc\n", envelope("*** Update File: f", "@@ a", "+b")) == "a\nb\nc\n"


def test_a_patch_with_plain_line_ends_fits_a_file_with_others():
    patch = envelope("*** Update File: f", "@@", " a", "-b", "+B", "+C")
    assert changed("a\r\nb\r\nc\r\n", patch) == "a\r\nB\r\nC\r\nc\r\n"


def test_white_space_at_line_ends_does_not_hide_a_place():
    patch = envelope("*** Update File: f", "@@", " a", "-b", "+B")
    assert changed("a  \nb\t\n", patch) == "a  \nB\n"


def test_a_file_without_a_final_line_end_keeps_that_or_gets_one_before_new_lines():
    patch = envelope("*** Update File: f", "@@", "-a", "+A", " b")
    assert changed("a\nb", patch) == "A\nb"
    assert changed("a\nb", envelope("*** Update File: f", "@@", " b", "+c")) == "a\nb\nc\n"


def test_bytes_that_are_not_utf8_stay_as_they_are():
    (edit,) = parse_patch(envelope("*** Update File: f", "@@", "-two", "+2"))
    assert apply_hunks(b"caf\xe9\ntwo\n", edit.hunks, path="f") == b"caf\xe9\n2\n"


def test_two_sections_for_one_file_follow_each_other(root):
    patch = envelope(
        *("*** Update File: a.py", "@@", "-one", "+1"),
        *("*** Update File: a.py", "@@", "-1", "+uno"),
    )
    assert apply(root, patch) == {"a.py": "updated"}
    assert (root / "a.py").read_text() == "uno\ntwo\nthree\n"


def test_a_folder_may_take_the_place_of_a_deleted_file(root):
    apply(root, "--- a/a.py\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n")
    apply(root, envelope("*** Add File: a.py/inner.txt", "+x"))
    assert (root / "a.py/inner.txt").read_text() == "x\n"


def test_when_one_file_cannot_be_written_all_are_put_back(small_disk):
    write_files(small_disk, {"a.txt": "a\n", "b.txt": "b\n"})
    filler = "\n".join(f"+{'x' * 99}" for _ in range(900))
    patch = envelope(
        *("*** Update File: a.txt", "@@", "-a", "+A"),
        *("*** Delete File: b.txt", "*** Add File: c/c.txt", filler),
    )
    with pytest.raises(ServiceError, match=r"c/c\.txt: cannot be written: No space left"):
        apply(small_disk, patch)
    assert {path.name: path.read_text() for path in small_disk.rglob("*.txt")} == {
        "a.txt": "a\n",
        "b.txt": "b\n",
    }


def test_a_patch_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(PatchError, match="the limit is"):
        parse_patch("x" * (2 * 1024 * 1024 + 1))


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(PatchError, match="not text"):
        parse_patch("\ud800")
