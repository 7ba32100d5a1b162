"""Patches of git: names as they are, and lines counted as git counts them."""

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.text.diff import file_patches

PIECES = [
    b"a/x b/x",
    b'"a/\\303" b/x',
    b"\n--- ",
    b"\n+++ b/",
    b"\n@@ -1 +1 @@",
    b"\n+x",
    b"\nrename to ",
]


def git(folder: Path, *args: str) -> bytes:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    return subprocess.run(
        ["git", *identity, *args], cwd=folder, check=True, capture_output=True
    ).stdout


def added_lines(patch: bytes) -> dict[str, set[int]]:
    return {file.path: set(file.added) for file in file_patches(patch) if file.added}


PATCH = b"""diff --git a/a.py b/a.py
--- a/a.py
+++ b/a.py
@@ -1,3 +1,4 @@
 one
-two
+TWO
+++ b/not-a-header
 three
@@ -10 +11,2 @@ context
 ten
+eleven
\\ No newline at end of file
diff --git a/gone.py b/gone.py
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x
"""


def test_added_lines_are_counted_in_the_new_file() -> None:
    assert added_lines(PATCH) == {"a.py": {2, 3, 12}}


def test_names_that_git_quotes_are_told_as_they_are() -> None:
    name = rb"gr\303\266\303\237e \"x\"\\\t.py"
    lines = (
        b'diff --git "a/%b" "b/%b"' % (name, name),
        b'+++ "b/%b"\t' % name,
        b"@@ -0,0 +1 @@",
        b"+x",
    )
    assert added_lines(b"\n".join(lines)) == {'größe "x"\\\t.py': {1}}


def test_sizes_are_counted_as_git_does(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.txt").write_text("one\ntwo\n--- a/fake\n")
    (tmp_path / "old name.txt").write_text("same\n" * 20)
    (tmp_path / "gone.txt").write_text("x\ny\n")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "base")
    (tmp_path / "a.txt").write_text("one\n+++ b/fake\ndiff --git a/x b/x\nlast without newline")
    (tmp_path / "old name.txt").rename(tmp_path / "new name.txt")
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "binary").write_bytes(bytes(reversed(range(256))))
    (tmp_path / "empty").write_text("")
    (tmp_path / "cr.txt").write_text("a\rb\rc\n")
    git(tmp_path, "add", "-A")
    patch = git(tmp_path, "diff", "--cached", "--binary", "-M")
    sizes = {
        file.path: (len(file.added), file.removed, file.is_binary) for file in file_patches(patch)
    }
    assert sizes == {
        "a.txt": (3, 2, False),
        "binary": (0, 0, True),
        "cr.txt": (1, 0, False),
        "empty": (0, 0, False),
        "gone.txt": (0, 2, False),
        "new name.txt": (0, 0, False),
    }


def test_a_patch_that_is_no_patch_has_no_files() -> None:
    assert file_patches(b"") == ()
    assert file_patches(b"\x00garbage\n+++ b/x\n") == ()


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_a_patch_that_is_cut_or_forged_is_read_without_an_error(data: bytes) -> None:
    for file in file_patches(b"diff --git " + data):
        assert isinstance(file.path, str)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gr\xf6\xdfe.py", "size.py"),
        ("size.py", "gr\xf6\xdfe.py"),
        ("a b", "c d"),
        ("\xe9", "\xe8"),
    ],
)
def test_a_renamed_file_has_both_names(tmp_path: Path, old: str, new: str) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / old).write_text("same\n" * 20)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "base")
    (tmp_path / old).rename(tmp_path / new)
    git(tmp_path, "add", "-A")
    [file] = file_patches(git(tmp_path, "diff", "--cached", "-M"))
    assert (file.old_path, file.path) == (old, new)


NAMES = st.text('ab "\\\t\n\u00e9\U0001f389', min_size=1, max_size=6)
LINES = st.sampled_from(
    ["", "a", "-- a/x", "++ b/x", "@@ -1 +1 @@", "diff --git a/x b/x", "\\ no", "\r"]
)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_each_added_line_is_where_the_patch_says(files: dict[str, tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        git(root, "init", "-q")
        for which in (0, 1):
            for name, texts in files.items():
                (root / name).write_bytes(texts[which].encode())
            git(root, "add", "-A")
            if which == 0:
                git(root, "commit", "-qm", "base")
        found = {file.path: file for file in file_patches(git(root, "diff", "--cached"))}
        numbers = git(root, "diff", "--cached", "--numstat", "-z").decode().split("\0")[:-1]
    counted = dict.fromkeys(found, (0, 0))
    for plus, minus, name in (row.split("\t", 2) for row in numbers):
        counted[name] = (int(plus), int(minus))
    assert {name: (len(file.added), file.removed) for name, file in found.items()} == counted
    for name, file in found.items():
        after = files[name][1].split("\n")
        for number in file.added:
            assert f"+{after[number - 1]}" in file.text.decode().split("\n")
