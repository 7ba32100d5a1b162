"""A run leaves the branches, tags and other refs of the user's repository as they were."""

from pathlib import Path

import pytest

from support.project import CommandLine, git, make_project, task_with

STEP = """
import subprocess
def git(*args):
    named = ["-c", "user.name=s", "-c", "user.email=s@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *named, *args])
open("src/greeter/more.py", "w").write("X = 1\\n")
git("add", "-A")
git("commit", "-q", "-m", "in the work tree")
"""
STRAY = STEP + 'git("switch", "-q", "-c", "stray")\ngit("tag", "v1")\n'


def outcome(repo: Path, call: CommandLine) -> tuple[int, list[str], str]:
    """Run the task; return the exit code, the refs beside those of runs, and the review."""
    code = call("run", "logging", "--repo", str(repo)).code
    listed = git(repo, "for-each-ref", "--format=%(refname)").split()
    (review,) = repo.glob(".runs/logging/*/review.md")
    return code, [name for name in listed if "codex-orchestrator" not in name], review.read_text()


@pytest.mark.parametrize("sandbox", ["auto", "off"])
@pytest.mark.parametrize(("step", "is_stray"), [(STEP, False), (STRAY, True)])
def test_a_step_commits_in_its_work_tree_and_leaves_no_ref(
    tmp_path: Path, call: CommandLine, sandbox: str, step: str, is_stray: bool
) -> None:
    files = {
        ".codex-orchestrator.toml": f'[policy]\nsandbox = "{sandbox}"\n',
        "step.py": step,
        "tasks/logging.md": task_with(steps="\n  - command: [python3, step.py]"),
    }
    repo = make_project(tmp_path / "repo", **files)
    code, refs, review = outcome(repo, call)
    assert refs == ["refs/heads/main"]
    is_named = "refs/heads/stray" in review and "refs/tags/v1" in review
    expects_finding = is_stray and sandbox == "off"
    assert (code, is_named) == (int(expects_finding), expects_finding), review
