"""The finished change of a run is judged by the guard as it will be when it is delivered."""

from pathlib import Path

import pytest

from codex_orchestrator.model.manifest import Manifest
from support.project import SPEC, CommandLine, commit_all, git, make_project, today

TASK = """---
id: t1
title: A task
spec: tasks/specs/0001-logging.md
steps:
  - command: [python3, step.py]
checks: [test]
---
Do it.
"""
CONFIG = ".codex-orchestrator.toml"
OWN_SPEC = "tasks/specs/0001-logging.md"
NEW_SPEC = "tasks/specs/0002-new.md"
APPROVED = SPEC.format(today=today())
PLANTED = APPROVED.replace("0001-logging", "0002-new").replace("src/**", "app/**")


def project_that_writes(folder: Path, files: dict[str, str], **base: str) -> Path:
    """Make a project with a task whose step writes some files."""
    step = f"import os\nfor path, text in {files!r}.items():\n"
    step += "    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n"
    step += "    open(path, 'w').write(text)\n"
    return make_project(folder, **{"tasks/t1.md": TASK, "step.py": step, **base})


def rules_found(repo: Path) -> dict[str, str]:
    """Return the findings of the only run: the fix by rule and path."""
    (file,) = repo.glob(".runs/t1/*/manifest.json")
    review = Manifest.model_validate_json(file.read_bytes()).review
    return {f"{one.rule} {one.path}": one.fix for one in (review.findings if review else ())}


@pytest.mark.parametrize(
    ("files", "approve"),
    [
        ({"src/greeter/more.py": "X = 1\n", "README.md": "Read me.\n"}, ()),
        ({NEW_SPEC: PLANTED.replace("approved", "draft"), "docs/a.md": "A.\n"}, ()),
        ({OWN_SPEC: APPROVED + "It logs.\n", "src/greeter/more.py": "X = 1\n"}, ()),
        ({NEW_SPEC: PLANTED, "app/a.py": "X = 1\n"}, (f"edit:{NEW_SPEC}",)),
    ],
    ids=["owned code and a page", "a draft", "the text of a spec", "a spec that was granted"],
)
def test_the_guard_passes_every_branch_of_an_approved_run(
    tmp_path: Path, call: CommandLine, files: dict[str, str], approve: tuple[str, ...]
) -> None:
    repo = project_that_writes(tmp_path / "repo", files)
    options = [word for grant in approve for word in ("--approve", grant)]
    done = call("run", "t1", "--repo", str(repo), *options)
    assert done.code == 0, done.err
    branch = next(line[8:] for line in done.out.splitlines() if line.startswith("branch: "))
    assert git(repo, "diff", "--name-only", f"main...{branch}").split() == sorted(files)
    gate = call("guard", "--repo", str(repo), "--base", "main", "--head", branch)
    assert gate.code == 0, gate.out


NOTHING_UNOWNED = '[guard]\nunowned = "error"\n'
EXPIRED = """
[[guard.waivers]]
path = "app/**"
rule = "SPEC001"
reason = "moves next month"
expires = 2026-01-01
"""


@pytest.mark.parametrize(
    ("files", "config", "wanted"),
    [
        ({"app/a.py": "X = 1\n"}, NOTHING_UNOWNED, ["SPEC001 app/a.py"]),
        ({"app/a.py": "X = 1\n"}, EXPIRED, ["SPEC001 app/a.py", f"WAIVER001 {CONFIG}"]),
        ({OWN_SPEC: APPROVED.replace("src", "**"), "app/a.py": ""}, "", [f"SPEC009 {OWN_SPEC}"]),
        ({NEW_SPEC: PLANTED, "app/a.py": "X = 1\n"}, "", [f"SPEC009 {NEW_SPEC}"]),
        ({NEW_SPEC: "no front matter\n"}, "", [f"SPEC004 {NEW_SPEC}"]),
    ],
    ids=["unowned", "an expired waiver", "wider paths", "a planted spec", "a broken spec"],
)
def test_a_run_is_not_approved_when_the_guard_would_refuse_its_branch(
    tmp_path: Path, call: CommandLine, files: dict[str, str], config: str, wanted: list[str]
) -> None:
    config = f'{config}\n[guard]\nself_review = "ignore"\n' if "[guard]" not in config else config
    repo = project_that_writes(tmp_path / "repo", files, **{CONFIG: config})
    commit_all(repo, "configured")
    assert call("run", "t1", "--repo", str(repo)).code == 1
    found = rules_found(repo)
    assert found.keys() >= set(wanted)
    assert all(OWN_SPEC in fix for key, fix in found.items() if key.startswith("SPEC001"))
