"""Git as it is started, what it prints, and what a commit holds, with names that look like rows."""

import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system import safe_git
from codex_orchestrator.system.git import (
    Git,
    git_environment,
    isolated_git_environment,
    run_git,
)
from codex_orchestrator.system.git_objects import (
    Blobs,
    export_folder,
    parse_sized_listing,
    read_file_at,
)
from codex_orchestrator.system.git_output import (
    SUBMODULE,
    SYMLINK,
    parse_listing,
    parse_numstat,
    parse_raw_diff,
)
from codex_orchestrator.system.listing import list_files
from support.workspace import git, git_environ, make_repository, write_files

ODD_NAMES = ("-rf", "a\nb", "5\t3\tx", "100644 blob aaaa 12\tx", os.fsdecode(b"caf\xe9"), "é ü")
OF_A_HOOK = {"GIT_DIR": "/elsewhere/.git", "GIT_INDEX_FILE": "/elsewhere/index"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    make_repository(tmp_path / "repo", dict.fromkeys(ODD_NAMES, "one\ntwo\n"))
    make_repository(tmp_path / "repo/100644 blob aa 1\tinner", {"x": "1"})
    (tmp_path / "repo/link").symlink_to("-rf")
    write_files(tmp_path / "repo", {"binary": "\0\0", "folder/a.txt": "a", "folder/deep/b": "b"})
    git(tmp_path / "repo", "add", "-A")
    git(tmp_path / "repo", "commit", "-q", "-m", "second")
    return tmp_path / "repo"


@pytest.fixture
def ours(repo: Path, tmp_path: Path) -> Git:
    return Git(str(repo), git_environment(git_environ(tmp_path), is_hook_repository=False))


@pytest.fixture
def safe(repo: Path, tmp_path: Path) -> safe_git.SafeGit:
    return safe_git.SafeGit(repo, environ=git_environ(tmp_path))


def test_only_the_git_of_a_hook_hears_which_index_the_hook_is_about() -> None:
    outside = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", "TOKEN": "secret", **OF_A_HOOK}
    heard = git_environment(outside, is_hook_repository=True)
    unheard = git_environment(outside, is_hook_repository=False)
    isolated = isolated_git_environment(outside)
    assert heard.items() >= OF_A_HOOK.items()
    for env in (unheard, isolated):
        assert env.keys().isdisjoint(OF_A_HOOK)
    for env in (heard, unheard, isolated):
        assert env["PATH"] == "/bin"
        assert "TOKEN" not in env
    assert "HTTPS_PROXY" in unheard
    assert "HTTPS_PROXY" not in isolated


def test_a_git_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotCheckedError, match="git is not installed"):
        run_git(["version"], env={"PATH": str(tmp_path)}, folder=tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    env = git_environ(tmp_path)
    with pytest.raises(NotCheckedError, match="gone: no such folder"):
        run_git(["version"], env=env, folder=tmp_path / "gone")
    with pytest.raises(NotCheckedError, match="gone: no such folder"):
        Git(str(tmp_path / "gone"), env).run("version")


def test_a_git_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    write_files(tmp_path, {"bin/git": "#!/bin/sh\nexec sleep 60\n"})
    (tmp_path / "bin/git").chmod(0o755)
    with pytest.raises(NotCheckedError, match="git version did not end within 1 s"):
        run_git(
            ["version"],
            env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
            folder=tmp_path,
            timeout_s=0.6,
        )


def test_a_listing_has_every_name_as_it_is(ours: Git) -> None:
    entries = {entry.path: entry for entry in parse_listing(ours.run("ls-files", "-s", "-z"))}
    assert entries.keys() >= set(ODD_NAMES)
    assert entries["link"].mode == SYMLINK
    assert entries["100644 blob aa 1\tinner"].mode == SUBMODULE
    assert parse_listing(ours.run("ls-tree", "-r", "-z", "HEAD")) == list(entries.values())


def test_a_listing_with_sizes_has_no_row_that_a_name_made_up(ours: Git) -> None:
    entries = parse_sized_listing(ours.run("ls-tree", "-r", "-l", "-z", "HEAD"))
    sizes = {entry.path: entry.size for entry in entries}
    tracked = {entry.path for entry in parse_listing(ours.run("ls-files", "-s", "-z"))}
    assert sizes.keys() == tracked - {"100644 blob aa 1\tinner"}
    assert {sizes[name] for name in ODD_NAMES} == {8}


def test_a_raw_diff_has_every_name_as_it_is(ours: Git) -> None:
    raw = ours.run("diff-tree", "-r", "--raw", "-z", "--no-renames", "HEAD~1", "HEAD")
    changes = {change.path: change.status for change in parse_raw_diff(raw)}
    assert changes.keys() >= {"100644 blob aa 1\tinner", "link", "binary", "folder/a.txt"}
    assert set(changes.values()) == {"A"}


def test_lines_are_counted_and_binary_files_have_none(ours: Git, repo: Path) -> None:
    (repo / "5\t3\tx").write_text("one\n")
    (repo / "binary").write_bytes(b"\0")
    assert parse_numstat(ours.run("diff", "--numstat", "-z", "--no-renames")) == (0, 1)


def test_objects_are_read_in_order_and_missing_ones_are_said(ours: Git) -> None:
    blobs = Blobs(ours)
    try:
        answers = list(blobs.read_many(["HEAD:-rf", "HEAD:gone", "HEAD:folder/a.txt"], 3))
    finally:
        blobs.close()
    assert [answer and answer[1:] for answer in answers] == [(b"one", 8), None, (b"a", 1)]


def test_a_file_of_a_commit_is_read_whatever_stands_in_the_checkout(
    safe: safe_git.SafeGit, repo: Path
) -> None:
    (repo / "folder/a.txt").write_text("changed since")
    assert read_file_at(safe, "HEAD", "folder/a.txt", limit=10) == b"a"
    assert read_file_at(safe, "HEAD", "folder", limit=10) is None
    assert read_file_at(safe, "HEAD", "link", limit=10) is None
    with pytest.raises(InputError, match="more than 7 bytes"):
        read_file_at(safe, "HEAD", "-rf", limit=7)


def test_a_folder_of_a_commit_is_written_without_links(
    safe: safe_git.SafeGit, repo: Path, tmp_path: Path
) -> None:
    (repo / "folder/link").symlink_to("/etc/passwd")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a link")
    export_folder(safe, "HEAD", "folder", into=tmp_path / "out")
    files = sorted(path for path in (tmp_path / "out").rglob("*") if not path.is_dir())
    assert [path.relative_to(tmp_path / "out").as_posix() for path in files] == [
        "folder/a.txt",
        "folder/deep/b",
    ]


def test_files_are_listed_without_what_git_ignores_and_tools_leave(repo: Path) -> None:
    write_files(
        repo,
        {".gitignore": "made/\n", "made/x": "", "new": "", "node_modules/x": "", "d/.venv/x": ""},
    )
    listed = list_files(repo)
    assert set(listed) >= {*ODD_NAMES, "new", ".gitignore", "link"}
    assert not [path for path in listed if path.startswith(("made", "node_modules", "d/"))]
    assert listed == sorted(listed)


def test_files_of_a_folder_that_is_no_repository_are_listed_too(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/b": "", "a/.git/config": "", "__pycache__/x": "", "c": ""})
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list_files(tmp_path) == ["a/b", "c"]
