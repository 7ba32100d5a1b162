"""`doctor` looks at the guard, the hook and what dead runs left, each with its fix."""

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from codex_orchestrator.compose.archive import open_archive, open_work_trees
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.installed import installed_source
from codex_orchestrator.system.source import Source
from codex_orchestrator.verbs.diagnose.guarded import probe_globs, probe_head
from codex_orchestrator.verbs.diagnose.hook import compare_sources, probe_hook
from codex_orchestrator.verbs.diagnose.leftovers import probe_leftovers
from codex_orchestrator.verbs.diagnose.set_up import probe_set_up
from support.project import CommandLine, git, make_project, write
from support.runs_build import finish_run

NOW = "2026-11-28T12:00:00.000Z"
OURS = Source("https://git.example/team/tool", "a" * 40)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "start")
    return folder


def test_globs_that_match_nothing_are_failures_with_the_lines_to_paste() -> None:
    paths = ["lib/index.js", "lib/more.js", "package.json", "README.md"]
    code, specs = probe_globs(GuardConfig(), paths)
    assert (code.state, code.is_required, specs.state, specs.is_required) == (
        *("missing", True),
        *("missing", True),
    )
    file, _, lines = code.fix.partition(":\n")
    assert file == "in .codex-orchestrator.toml"
    table = tomllib.loads(lines)["guard"]
    (again, _) = probe_globs(GuardConfig(code=tuple(table["code"])), paths)
    assert again.detail.startswith("2 tracked files")
    assert specs.fix.startswith("codex-orchestrator spec new ")


def test_the_lines_to_paste_are_those_of_the_file_that_has_the_configuration() -> None:
    code, _ = probe_globs(GuardConfig(code=("x",), source="pyproject.toml"), ["lib/index.js"])
    assert code.fix == ('in pyproject.toml:\n[tool.codex-orchestrator.guard]\ncode = ["lib/**"]')


def test_globs_that_match_say_how_many_files() -> None:
    paths = ["src/a.py", "src/b.py", "tasks/specs/a.md"]
    assert [probe.detail.split(" ")[0] for probe in probe_globs(GuardConfig(), paths)] == ["2", "1"]


def test_what_the_guard_says_of_the_commit_is_shown(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p")
    good = probe_head(project, os.environ, today=NOW[:10])
    assert good.state == "works", good
    stale = probe_head(project, os.environ, today="2031-01-01")
    assert stale.state == "wrong"
    assert stale.fix.startswith("codex-orchestrator guard --all")


def hook_states(repo: Path) -> list[str]:
    return [probe.state for probe in probe_hook(repo, os.environ)]


def test_a_hook_that_git_does_not_run_is_not_configured(repo: Path) -> None:
    installed, configured = probe_hook(repo, os.environ)
    assert (installed.state, configured.state) == ("not configured", "not configured")
    assert installed.fix.endswith(" install")
    assert "codex-orchestrator init" in configured.fix or "spec-guard" in configured.fix


def test_a_hook_that_runs_something_else_or_nothing_is_wrong(repo: Path) -> None:
    place = write(repo, ".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n")
    assert hook_states(repo)[0] == "wrong", "it is not executable"
    place.chmod(0o755)
    assert hook_states(repo)[0] == "wrong", "it runs no hook runner"
    place.write_text("#!/bin/sh\nexec prek hook-impl\n")
    assert hook_states(repo)[0] == "works"


def test_the_hook_of_another_hooks_folder_is_looked_at(repo: Path) -> None:
    git(repo, "config", "core.hooksPath", "own hooks")
    place = write(repo, "own hooks/pre-commit", "#!/bin/sh\npre-commit run\n")
    place.chmod(0o755)
    assert hook_states(repo)[0] == "works"
    tree = repo.parent / "tree"
    git(repo, "worktree", "add", "-q", str(tree))
    assert hook_states(tree)[0] == "not configured", "the folder is relative to each work tree"


def test_a_configuration_without_our_hook_is_shown_what_to_add(repo: Path) -> None:
    write(repo, ".pre-commit-config.yaml", "repos:\n- repo: local\n  hooks:\n  - id: other\n")
    (_, configured) = probe_hook(repo, os.environ)
    assert configured.state == "not configured"
    assert "spec-guard" in configured.detail
    for text in ("repos: [", "repos: 7\n", "- a\n", "repos: &x [*x]\n", "repos:\n- hooks: 3\n"):
        write(repo, ".pre-commit-config.yaml", text)
        assert probe_hook(repo, os.environ)[1].state in ("not tried", "not configured")


def test_a_hook_of_this_toolkit_is_current_when_source_and_commit_agree() -> None:
    def state(url: str, revision: str) -> str:
        return compare_sources(".pre-commit-config.yaml", url, revision, OURS).state

    assert state(OURS.url, OURS.revision) == "works"
    assert state(f"{OURS.url}.git/", OURS.revision) == "works"
    assert state(OURS.url, "b" * 40) == "wrong"
    assert state("https://git.example/other/tool", OURS.revision) == "wrong"
    assert state("local", "") == "works"
    assert compare_sources("f", OURS.url, "b" * 40, None).state == "works"
    older = compare_sources(".pre-commit-config.yaml", OURS.url, "b" * 40, OURS)
    assert older.fix == f"in .pre-commit-config.yaml: rev: {OURS.revision}"


def test_a_fix_of_the_hook_names_no_package_of_an_index(repo: Path) -> None:
    fixes = [probe.fix for probe in probe_hook(repo, os.environ)]
    assert not any("pip install" in fix for fix in fixes)
    assert installed_source() is not None or fixes[1].startswith("codex-orchestrator init")


def leftovers(
    repo: Path, *, now_s: float = 0, temporary: Path | None = None
) -> dict[str, tuple[str, str]]:
    records = open_archive(repo, operation="doctor")
    found = probe_leftovers(
        records, open_work_trees(repo), now=NOW, now_s=now_s, temporary=temporary or repo
    )
    return {probe.name: (probe.state, probe.fix) for probe in found}


def test_nothing_is_left_over_in_a_repository_without_runs(repo: Path) -> None:
    assert {state for state, _ in leftovers(repo).values()} == {"works"}
    assert not (repo / ".runs").exists()


def test_a_work_tree_of_a_finished_run_and_a_dead_lock_are_named(repo: Path) -> None:
    finish_run(repo)
    trees = open_work_trees(repo)
    run_id = next((repo / ".runs").glob("*/2*")).name
    with pytest.raises(RuntimeError), trees.open(run_id, base_sha=trees.head_sha()):
        raise RuntimeError("killed")
    write(repo, ".runs/0007-logging.lock", "")
    write(repo, ".runs/0007-logging.lock.json", "{}")
    found = leftovers(repo)
    assert found["work trees"] == ("wrong", "codex-orchestrator runs gc --older-than 30 --delete")
    assert found["locks"][0] == "wrong"
    trees.forget(run_id)
    assert leftovers(repo)["work trees"][0] == "works"


def test_old_temporary_folders_of_ours_are_named_with_the_command_that_removes_them(
    repo: Path, tmp_path: Path
) -> None:
    temp = tmp_path / "a temp"
    (temp / "codex-orchestrator-x y").mkdir(parents=True)
    (temp / f"codex-orchestrator-{os.getuid()}").mkdir()
    made = (temp / "codex-orchestrator-x y").stat()[stat.ST_MTIME]
    assert leftovers(repo, now_s=made + 60, temporary=temp)["temporary files"][0] == "works"
    state, fix = leftovers(repo, now_s=made + 90_000, temporary=temp)["temporary files"]
    assert (state, fix) == ("wrong", f"rm -r -- '{temp}/codex-orchestrator-x y'")


def test_the_command_shows_the_same_to_people_and_to_programs(
    tmp_path: Path, call: CommandLine
) -> None:
    project = make_project(tmp_path / "p")
    shown = call("doctor", "--repo", str(project))
    assert shown.code == 0, shown.out
    report = json.loads(call("doctor", "--repo", str(project), "--format", "json").out)
    for probe in report["probes"]:
        assert f"{probe['state']:<15} {probe['name']}" in shown.out
    states = {probe["name"]: probe["state"] for probe in report["probes"]}
    for name in ("adapter", "tests", "guard.code", "guard.specs", "guard of HEAD"):
        assert states[name] == "works", report
    assert report["missing"] == []


def set_up(repo: Path, **config: object) -> Probe:
    paths = git(repo, "ls-files").split()
    environ = {"PATH": os.environ["PATH"]}
    return probe_set_up(repo, SetupConfig.model_validate(config), environ, paths)


def test_what_set_up_gives_is_shown(repo: Path) -> None:
    write(repo, ".env.test", "A=1")
    assert set_up(repo).detail == "a work tree needs nothing beyond what git holds"
    write(repo, "package.json", "{}")
    git(repo, "add", "package.json")
    write(repo, "node_modules/a/index.js", "")
    assert set_up(repo).detail == "links node_modules"
    found = set_up(repo, run=[["npm", "ci"]], copy=[".env.test"])
    assert (found.state, found.detail) == ("works", "runs `npm ci`; copies .env.test")


@pytest.mark.parametrize("key", ["link", "copy", "key"])
def test_a_path_of_set_up_that_is_not_in_the_checkout_is_a_failure(repo: Path, key: str) -> None:
    found = set_up(repo, **{key: ["node_modules"]})
    assert (found.state, found.is_required) == ("missing", True)
    assert "node_modules" in found.detail
    assert found.fix


def test_a_variable_of_set_up_that_is_not_set_is_named(repo: Path) -> None:
    assert set_up(repo, pass_env=["DATABASE_URL"]).fix == "export DATABASE_URL=VALUE"


def test_a_submodule_that_is_not_there_is_named_with_the_command_that_brings_it(
    repo: Path, tmp_path: Path
) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "-q", str(outer))
    allowed = ("-c", "protocol.file.allow=always")
    git(outer, *allowed, "submodule", "--quiet", "add", str(repo), "sub")
    assert set_up(outer).detail == "fills 1 submodules"
    git(outer, "submodule", "--quiet", "deinit", "--force", "sub")
    found = set_up(outer)
    assert found.fix == "git submodule update --init --recursive"
    assert set_up(outer, submodules=False).state == "works"
