import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.tool_results import FileText
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.globs import is_chosen
from codex_orchestrator.workspace.look import list_paths, read_lines, search
from codex_orchestrator.workspace.tools import MAX_FILE_BYTES
from support.workspace import git_environ, make_repository, write_files


@pytest.fixture
def root(tmp_path) -> Path:
    make_repository(tmp_path / "repo", {"a.txt": "needle\n", "gone.txt": "x", "d/b.txt": "needle"})
    return tmp_path / "repo"


@pytest.fixture
def tree(root):
    tree = ConfinedTree(root, max_bytes=MAX_FILE_BYTES)
    yield tree
    tree.close()


@pytest.fixture
def runner(root, tmp_path) -> SafeGit:
    return SafeGit(root, environ=git_environ(tmp_path / "home"))


def find(runner, tree, pattern, **options) -> list[str]:
    found = search(runner, tree, pattern, **{"is_hidden": lambda _: False} | options)
    return [hit.path for hit in found.hits]


def test_a_list_has_no_deleted_file_and_no_repository_inside(runner, root):
    (root / "gone.txt").unlink()
    make_repository(root / "inner")
    (root / "link").symlink_to("a.txt")
    assert list_paths(runner, []) == ["a.txt", "d/b.txt", "link"]


def test_names_that_are_not_utf8_are_shown_with_a_mark(runner, root):
    write_files(root, {os.fsdecode(b"caf\xe9.txt"): "x"})
    assert "caf\ufffd.txt" in list_paths(runner, [])


def test_a_search_does_not_look_behind_links(runner, tree, root, tmp_path):
    write_files(tmp_path, {"outside/b.txt": "needle"})
    (root / "link.txt").symlink_to(tmp_path / "outside/b.txt")
    (root / "d/b.txt").unlink()
    (root / "d").rmdir()
    (root / "d").symlink_to(tmp_path / "outside")
    assert find(runner, tree, "needle") == ["a.txt"]


def test_a_search_is_not_held_up_by_a_pipe(runner, tree, root):
    os.mkfifo(root / "pipe")
    assert find(runner, tree, "needle") == ["a.txt", "d/b.txt"]


def test_a_search_passes_over_binary_files(runner, tree, root):
    write_files(root, {"x.bin": b"needle\0"})
    assert find(runner, tree, "needle") == ["a.txt", "d/b.txt"]


def test_lines_that_are_very_long_are_cut(runner, tree, root):
    write_files(root, {"long.txt": "needle" + "x" * 5000})
    found = search(runner, tree, "needlex", is_hidden=lambda _: False)
    assert len(found.hits[0].text) == 400


def test_git_is_stopped_when_it_takes_too_long_or_says_too_much(root, tmp_path):
    head = "#!/bin/sh\n[ $1 = grep ] || exec /usr/bin/git $@\n"
    write_files(tmp_path, {"bin/git": f"{head}yes\n"})
    (tmp_path / "bin/git").chmod(0o755)
    noisy = SafeGit(root, environ={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    assert noisy.read_some("grep", limit=10, timeout_s=30) == (None, b"y\ny\ny\ny\ny\n", "")
    (tmp_path / "bin/git").write_text(
        "#!/bin/sh\n[ $1 = grep ] || exec /usr/bin/git $@\nsleep 60\n"
    )
    status, out, _ = noisy.read_some("grep", limit=10, timeout_s=0.3)
    assert (status, out) == (None, b"")


@pytest.mark.parametrize(
    ("globs", "is_in"),
    [
        ([], True),
        (["."], True),
        (["src"], True),
        (["./src/"], True),
        (["src/a.py"], True),
        (["**/*.py"], True),
        (["src/*.py"], True),
        (["sr"], False),
        (["*.py"], False),
        (["tests"], False),
    ],
)
def test_a_path_is_chosen_by_name_folder_or_glob(globs, is_in):
    assert is_chosen("src/a.py", globs) is is_in


def test_an_empty_file_has_no_lines(tree, root):
    write_files(root, {"empty": ""})
    assert read_lines(tree, "empty", first=1, count=10) == FileText(
        path="empty",
        text="",
        first_line=1,
        last_line=0,
        total_lines=0,
        is_cut=False,
        is_lossy=False,
    )


def test_a_file_of_one_huge_line_is_cut_and_said_to_be(tree, root):
    write_files(root, {"huge": "x" * 100_000})
    found = read_lines(tree, "huge", first=1, count=10)
    assert (len(found.text), found.is_cut) == (65537, True)


def test_lines_beyond_the_end_are_an_error_that_tells_the_end(tree):
    with pytest.raises(InputError, match=r"a\.txt: has 1 lines, so none at 2"):
        read_lines(tree, "a.txt", first=2, count=1)
