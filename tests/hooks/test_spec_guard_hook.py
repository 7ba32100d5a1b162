"""The spec-guard hook, installed from this repository by pre-commit and by prek for real."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import filelock
import pytest

from support.guard_repo import GOOD, spec
from support.hook_tools import ROOT, HookedRepo
from support.project import CommandLine

HEAVY = ("agents", "mcp", "openai", "github", "hvac", "rich", "obstore", "ast_grep_py", "jinja2")


def recent(days: int = 1) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


@pytest.fixture(scope="module", params=["pre-commit", "prek"])
def hooked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HookedRepo:
    folder = tmp_path_factory.mktemp(request.param.replace("-", ""))
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # all workers install once, and wait for the one who does
    with filelock.FileLock(shared / "hooks.lock", timeout=250):
        repo = HookedRepo(folder, request.param, hooks=("spec-guard",), shared=shared)
        first = repo.commit({GOOD: spec(review=recent()), "src/a.py": "x = 1\n"})
    assert first.code == 0, first.text
    return repo


@pytest.mark.timeout(300)
def test_a_good_commit_passes_and_a_bad_one_is_blocked(hooked: HookedRepo) -> None:
    good = hooked.commit({"src/a.py": f"x = {id(hooked)}\n"})
    assert good.code == 0, good.text
    bad = hooked.commit({"app/new.py": "y = 1\n"})
    assert bad.code == 1, bad.text
    assert "app/new.py: error SPEC001" in bad.text
    assert "fix:" in bad.text
    assert hooked.git("status", "--porcelain").text.startswith("A  app/new.py")
    hooked.git("rm", "-q", "-f", "app/new.py")


@pytest.mark.timeout(300)
def test_the_hook_that_init_writes_blocks_a_bad_commit_and_passes_a_good_one(
    hooked: HookedRepo, tmp_path: Path, call: CommandLine
) -> None:
    shared = hooked.home.parent
    repo = HookedRepo(tmp_path, hooked.tool, hooks=("spec-guard",), shared=shared)
    (repo.root / ".pre-commit-config.yaml").unlink()
    assert repo.commit({"lib/gem.rb": "1\n"}, "--no-verify").code == 0
    place = ("--repo", str(repo.root))
    assert call("init", *place, "--source", f"{repo.source}@{repo.revision}").code == 0
    first = repo.commit({})
    assert first.code == 0, first.text
    assert "note GUARD003" in first.text, "what the hook says of a commit that passes is shown"
    bad = repo.commit({"lib/gem.rb": "2\n"})
    assert bad.code == 1, bad.text
    assert "error SPEC005 status is draft, not approved (needed by lib/gem.rb)" in bad.text
    repo.git("restore", "--staged", "--worktree", "lib/gem.rb")
    spec_file = str(repo.root / "tasks/specs/0001-first-change.md")
    assert call("guard", *place, "accept", spec_file, "--reviewer", "Ann").code == 0
    assert repo.commit({}).code == 0
    good = repo.commit({"lib/gem.rb": "2\n"})
    assert good.code == 0, good.text


@pytest.mark.timeout(300)
def test_a_push_is_judged_by_what_the_remote_does_not_have(hooked: HookedRepo) -> None:
    first = hooked.git("push", "-q", "-u", "origin", "main")
    assert first.code == 0, first.text
    assert hooked.commit({"app/new.py": "y = 1\n"}, "--no-verify").code == 0
    blocked = hooked.git("push", "-q")
    assert blocked.code != 0, blocked.text
    assert "app/new.py: error SPEC001" in blocked.text
    hooked.git("rm", "-q", "app/new.py")
    assert hooked.commit({}, "--no-verify").code == 0
    allowed = hooked.git("push", "-q")
    assert allowed.code == 0, allowed.text


@pytest.mark.timeout(300)
def test_the_first_push_of_a_history_is_judged_as_a_whole(hooked: HookedRepo) -> None:
    hooked.git("checkout", "-q", "--orphan", "other")
    hooked.git("rm", "-q", "-r", "-f", "tasks", "src")
    assert hooked.commit({"app/old.py": "y = 1\n"}, "--no-verify").code == 0
    folder = hooked.root.parent / "second.git"
    hooked.git("init", "-q", "--bare", str(folder))
    hooked.git("remote", "add", "second", str(folder))
    pushed = hooked.git("push", "-q", "second", "other")
    assert pushed.code != 0, pushed.text
    assert "app/old.py: error SPEC001" in pushed.text


@pytest.mark.timeout(300)
def test_two_refs_given_to_the_runner_are_the_change(hooked: HookedRepo) -> None:
    hooked.git("checkout", "-q", "-f", "main")
    hooked.git("checkout", "-q", "-B", "refs-test")
    assert hooked.commit({"app/new.py": "y = 1\n"}, "--no-verify").code == 0
    ran = hooked.run_tool("spec-guard", "--from-ref", "HEAD~1", "--to-ref", "HEAD")
    assert ran.code == 1, ran.text
    assert "app/new.py: error SPEC001" in ran.text
    clean = hooked.run_tool("spec-guard", "--from-ref", "HEAD", "--to-ref", "HEAD")
    assert clean.code == 0, clean.text


@pytest.mark.timeout(300)
def test_the_hooks_environment_is_the_base_install(hooked: HookedRepo) -> None:
    (site,) = {path.parent for path in hooked.home.rglob("site-packages/click")}
    present = {path.name for path in Path(site).iterdir()}
    assert "pydantic" in present
    assert present.isdisjoint(HEAVY)


def test_the_hook_file_names_the_hooks_that_the_docs_promise() -> None:
    import yaml

    hooks = {
        hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    }
    assert set(hooks) == {"spec-guard", "pattern-lint", "pattern-index"}
    guard = hooks["spec-guard"]
    assert guard["entry"] == "codex-orchestrator guard"
    assert guard["stages"] == ["pre-commit", "pre-push"]
    assert guard["always_run"]
    assert guard["pass_filenames"] is False
    assert "additional_dependencies" not in guard


@pytest.mark.timeout(300)
def test_all_files_in_a_job_of_ci_is_not_a_pass(
    hooked: HookedRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.git("checkout", "-q", "-f", "-B", "in-ci", "main")
    assert hooked.commit({"app/new.py": "y = 1\n"}, "--no-verify").code == 0
    monkeypatch.delitem(hooked.env, "CI", raising=False)
    local = hooked.run_tool("spec-guard", "--all-files", "--verbose")
    assert local.code == 0, local.text
    assert "nothing is staged, so nothing was checked" in local.text
    monkeypatch.setitem(hooked.env, "CI", "true")
    ran = hooked.run_tool("spec-guard", "--all-files")
    assert ran.code != 0, ran.text
    assert "GUARD001" in ran.text
    assert "--from-ref" in ran.text
    judged = hooked.run_tool("spec-guard", "--from-ref", "HEAD~1", "--to-ref", "HEAD")
    assert "app/new.py: error SPEC001" in judged.text
