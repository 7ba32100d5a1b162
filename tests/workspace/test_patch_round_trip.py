"""What git calls a patch is one here too, and does the same."""

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.workspace.apply_patch import apply_edits
from codex_orchestrator.workspace.patch import touched_paths
from codex_orchestrator.workspace.read_patch import parse_patch
from codex_orchestrator.workspace.tools import MAX_FILE_BYTES

# Few different lines, so that hunks look alike; some look like the markup of patches.
LINES = st.sampled_from(
    ["a", "b", "", "  a", "- x", "-- x", "--- x", "+++ y", "@@ -1 +1 @@", "\\ no", "a\r", "é", "+"]
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + ("\n" if end and lines else ""),
    st.lists(LINES, max_size=30),
    st.booleans(),
)


def git(folder: Path, *args: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["git", *args], cwd=folder, input=stdin, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def apply(folder: Path, patch: str) -> None:
    tree = ConfinedTree(folder, max_bytes=MAX_FILE_BYTES)
    try:
        apply_edits(tree, parse_patch(patch))
    finally:
        tree.close()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


NAMES = ["one.txt", "two three.txt", "sub/ü.txt", 'q"uote.txt']


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=3),
    st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=3),
    st.sampled_from([0, 1, 3]),
)
def test_a_diff_of_git_gives_the_files_that_git_gives(old, new, context):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        git(top, "init", "-q", "--template=", ".")
        trees = []
        for side, files in (("old", old), ("new", new)):
            (top / side).mkdir()
            write(top / side, files)
            places = (f"--git-dir={top}/.git", f"--work-tree={top / side}")
            git(top / side, *places, "add", "-A")
            trees.append(git(top, "write-tree").decode().strip())
        patch = git(top, "diff-tree", "-r", "-p", "-M", "--text", f"-U{context}", *trees)
        if patch:
            apply(top / "old", patch.decode())
        assert files_of(top / "old") == files_of(top / "new")


def envelope(old: str, new: str) -> str:
    """Write the whole file as one hunk: all its lines out, all the new ones in."""
    body = [f"-{line}" for line in old.split("\n")[:-1]]
    body += [f"+{line}" for line in new.split("\n")[:-1]]
    return "\n".join(["*** Begin Patch", "*** Update File: f", "@@", *body, "*** End Patch", ""])


WHOLE = st.lists(LINES, min_size=1, max_size=20).map(lambda lines: "\n".join(lines) + "\n")


@settings(max_examples=150, deadline=None)
@given(WHOLE, WHOLE)
def test_an_envelope_of_all_lines_replaces_all_lines(old, new):
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), {"f": old})
        if old == new:
            with pytest.raises(InputError, match="changes nothing"):
                apply(Path(name), envelope(old, new))
        else:
            apply(Path(name), envelope(old, new))
        assert (Path(name) / "f").read_bytes().decode() == new


MARKUP = st.sampled_from(
    [
        *("*** Begin Patch", "*** End Patch", "*** Update File: f", "*** Add File: g", "@@"),
        *("*** Delete File: f", "*** Move to: h", "*** End of File", "@@ -1 +1 @@", "--- a/f"),
        *("+++ b/f", "diff --git a/f b/f", "new file mode 120000", "rename from f", "+a", "-a"),
        *(" a", "", "\\ No newline", "rename to ../x", "--- /dev/null", "+++ b/../../x", "x\0"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(MARKUP, max_size=12).map("\n".join)))
def test_any_text_is_a_patch_or_an_input_error_and_leaves_no_trace_outside(text):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name) / "deep/tree"
        write(top, {"f": "a\nb\n"})
        try:
            edits = parse_patch(text)
            assert touched_paths(edits)
            apply(top, text)
        except InputError:
            assert files_of(top) == {"f": b"a\nb\n"}
        assert all(path.startswith("deep/tree/") for path in files_of(Path(name)))
