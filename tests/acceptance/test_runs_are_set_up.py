"""A run gets what the checkout has beyond git, or says before any work what is missing."""

import json
import os
from pathlib import Path

import pytest

from support.project import TEST, CommandLine, commit_all, git, make_project, task_with, write

CONFIG = '[setup]\nrun = [["sh", "-c", "echo made with $TEA_TOKEN; mkdir made"]]\n'
ADDS = 'open("src/greeter/__init__.py", "a").write("\\nMORE = 1\\n")\n'
NEEDS = TEST.replace(
    'self.assertEqual(greet("you"), "hello you")',
    'import os; self.assertEqual(os.environ.get("DATABASE_URL"), "sqlite://"); '
    'self.assertNotIn("TEA_TOKEN", os.environ); self.assertTrue(os.path.isdir("made"))',
)


def make(folder: Path, **files: str) -> Path:
    task = task_with(steps="\n  - command: [python3, step.py]")
    return make_project(folder, **{"tasks/logging.md": task, "step.py": ADDS, **files})


def test_a_submodule_that_is_missing_is_said_before_there_is_a_plan(
    tmp_path: Path, call: CommandLine
) -> None:
    other = make_project(tmp_path / "other")
    repo = make(tmp_path / "repo")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib")
    commit_all(repo, "with a submodule")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repo), str(clone))
    done = call("run", "logging", "--repo", str(clone))
    assert done.code == 3
    assert "submodule lib: the checkout does not have its commit" in done.err
    assert "git submodule update --init --recursive -- lib" in done.err
    assert not list(clone.glob(".runs/*/*/plan.json"))
    git(clone, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    assert call("run", "logging", "--repo", str(clone)).code == 0


def test_a_secret_waits_for_a_person_and_reaches_set_up_alone(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEA_TOKEN", "leaves-of-assam-1847")
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    config = f'{CONFIG}secrets = ["TEA_TOKEN"]\npass_env = ["DATABASE_URL"]\n'
    repo = make(
        tmp_path / "repo", **{".codex-orchestrator.toml": config, "tests/test_greeter.py": NEEDS}
    )
    waits = call("run", "logging", "--repo", str(repo))
    assert waits.code == 6
    assert "secret:TEA_TOKEN" in waits.err
    done = call("run", "logging", "--repo", str(repo), "--approve", "secret:TEA_TOKEN")
    assert done.code == 0, done.err
    (path,) = [
        p for p in repo.glob(".runs/*/*/manifest.json") if json.loads(p.read_text())["setup"]
    ]
    manifest = json.loads(path.read_text())
    assert manifest["setup"]["commands"][0]["status"] == "passed"
    assert "no `key`" in manifest["setup"]["reason"]
    log = path.parent / manifest["setup"]["commands"][0]["log_path"]
    assert log.read_text().strip() == "made with ***"
    files = [place for place in (repo / ".runs").rglob("*") if place.is_file()]
    assert not [place for place in files if b"assam" in place.read_bytes()]
    shown = call("runs", "show", path.parent.name, "--repo", str(repo))
    assert "set-up    sh -c echo made with" in shown.out
    assert "Set-up: sh -c" in (path.parent / "review.md").read_text()


def test_an_environment_without_what_a_check_needs_is_said_before_there_is_a_plan(
    tmp_path: Path, call: CommandLine
) -> None:
    import venv

    repo = make(tmp_path / "repo", **{"pytest.ini": "[pytest]\n"})
    venv.create(repo / ".venv", with_pip=False)
    write(repo, ".git/info/exclude", ".venv/\n")
    done = call("run", "logging", "--repo", str(repo))
    assert done.code == 3
    assert f"{os.fspath(repo / '.venv/bin/python')} -m pip install pytest" in done.err
    assert not list(repo.glob(".runs/*/*/plan.json"))
