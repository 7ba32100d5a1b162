"""Who mistypes a name on the command line is shown the names that are near it."""

from pathlib import Path

import pytest

from support.project import CommandLine, git, write
from support.runs_build import RUN, finish_run

TASK = "---\nid: 0001-first\ntitle: t\nspec: tasks/specs/a.md\n---\nDo it.\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "start")
    write(tmp_path, "tasks/0001-first.md", TASK)
    write(tmp_path, "tasks/0002-second.md", TASK)
    write(tmp_path, "tasks/\x1b[31mthird.md", TASK)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (("gaurd",), "`guard`"),
        (("docter", "--format", "json"), "`doctor`"),
        (("runs", "lsit"), "list"),
        (("guard", "--stagd"), "--staged"),
        (("run", "0001-frist", "--repo", "REPO"), "`0001-first`"),
        (("run", "REPO/tasks/0002-scond.md", "--repo", "REPO"), "`0002-second`"),
        (("run", "--matrix", "0001-fist", "--repo", "REPO"), "`0001-first`"),
        (("runs", "show", RUN[:-1] + "b", "--repo", "REPO"), f"`{RUN}`"),
        (("runs", "verify", "0007-loging/" + RUN, "--repo", "REPO"), f"`0007-logging/{RUN}`"),
        (("patterns", "apply", "py-prin-to-loging", "--repo", "REPO"), "`py-print-to-logging`"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_near_ones(
    repo: Path, call: CommandLine, argv: tuple[str, ...], near: str
) -> None:
    finish_run(repo)
    done = call(*(word.replace("REPO", str(repo)) for word in argv))
    assert done.code == 2
    assert "id you mean" in done.err
    assert near in done.err
    assert "\x1b" not in done.err


def test_a_name_that_is_like_no_other_is_answered_without_a_guess(
    repo: Path, call: CommandLine
) -> None:
    for argv in (("xyzzy",), ("run", "xyzzy"), ("runs", "show", "xyzzy")):
        done = call(*argv, *(("--repo", str(repo)) if len(argv) > 1 else ()))
        assert done.code == 2
        assert "did you mean" not in done.err
