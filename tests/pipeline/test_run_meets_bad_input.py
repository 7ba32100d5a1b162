"""What `run` says to wrong input: the exit code of the table, the file, and the fix."""

import json
import os
from pathlib import Path

import pytest

from support.project import CommandLine, commit_all, git, task_with, write

TASK = "tasks/logging.md"
CONFTEST = "def is_none(x):\n    if x == None:\n        return 1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"# just text\n", "no front matter"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
        (b"---\nid: t\ntitle: \xff\n---\n", "not UTF-8"),
        (b"---\nid: t\n", "not closed"),
        (task_with(colour="red").encode(), "unknown key"),
        (task_with(limits="{minutes: many}").encode(), "limits.minutes"),
        (task_with(id="../up").encode(), "id:"),
        (task_with(id="a/b").encode(), "id:"),
        (task_with(steps="[{pattern: no-such-pattern, paths: []}]").encode(), "no-such-pattern"),
        (task_with(steps="[{pattern: x, paths: [../../etc/*]}]").encode(), "leaves the repository"),
        (task_with(spec="/etc/passwd").encode(), "is absolute"),
        (task_with(steps="").encode(), "has no steps"),
        (task_with(checks="[build]").encode(), "build"),
        (task_with(checks="[]").encode(), "at least one check"),
        (task_with(adapter="cobol").encode(), "cobol"),
        (task_with().encode() + b"x" * 300 * 1024, "the limit is"),
    ],
)
def test_a_wrong_task_is_exit_2_and_names_the_file_and_a_fix(
    project: Path, call: CommandLine, text: bytes, words: str
) -> None:
    path = write(project, TASK, text)
    done = call("run", str(path), "--repo", str(project))
    assert done.code == 2, done.err
    assert words in done.err
    assert "Traceback" not in done.err
    # Where the wrong thing shows only in the work tree, a run has begun and is named.
    assert done.out == "" or "state: interrupted" in done.out


def test_a_missing_task_file_is_exit_2(project: Path, call: CommandLine) -> None:
    done = call("run", "tasks/none.md", "--repo", str(project))
    assert done.code == 2
    assert "tasks/none.md: cannot be read" in done.err


def test_no_task_and_two_tasks_are_exit_2(project: Path, call: CommandLine) -> None:
    assert call("run", "--repo", str(project)).code == 2
    assert call("run", "logging", "logging", "--repo", str(project)).code == 2


def test_a_task_without_steps_and_model_names_both_ways_out(
    project: Path, call: CommandLine
) -> None:
    path = write(project, TASK, task_with(steps=""))
    done = call("run", str(path), "--repo", str(project))
    assert done.code == 2
    assert "steps:" in done.err
    assert "--model" in done.err


def test_a_missing_spec_is_a_finding_that_names_it(project: Path, call: CommandLine) -> None:
    path = write(project, TASK, task_with(spec="tasks/specs/none.md"))
    done = call("run", str(path), "--repo", str(project))
    assert done.code == 1
    assert "tasks/specs/none.md" in done.err


def test_a_repository_without_commits_is_exit_2(tmp_path: Path, call: CommandLine) -> None:
    git(tmp_path, "init", "-q")
    path = write(tmp_path, TASK, task_with())
    done = call("run", str(path), "--repo", str(tmp_path))
    assert done.code == 2
    assert "commit" in done.err


def test_a_bare_repository_and_no_repository_are_exit_2(tmp_path: Path, call: CommandLine) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    path = write(tmp_path, "t.md", task_with())
    for folder in (tmp_path / "bare.git", tmp_path):
        done = call("run", str(path), "--repo", str(folder))
        assert done.code == 2
        assert "fix:" in done.err


def test_a_dirty_tree_with_apply_is_refused_before_any_work(
    project: Path, call: CommandLine
) -> None:
    write(project, "src/greeter/__init__.py", "x = 1\n")
    done = call("run", str(project / TASK), "--apply", "--repo", str(project))
    assert done.code == 2
    assert "src/greeter/__init__.py" in done.err
    assert not list((project / ".runs").glob("*/*/manifest.json"))


def test_a_linked_run_folder_is_refused(project: Path, tmp_path: Path, call: CommandLine) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / ".runs").symlink_to(elsewhere)
    done = call("run", str(project / TASK), "--repo", str(project))
    assert done.code == 2
    assert ".runs" in done.err
    assert list(elsewhere.iterdir()) == []


def test_a_hanging_check_is_ended_by_the_limit_and_called_failed(
    project: Path, call: CommandLine
) -> None:
    write(project, "tests/test_greeter.py", "import time\ntime.sleep(600)\n")
    write(project, TASK, task_with(limits="{check_seconds: 2}"))
    commit_all(project, "hang")
    done = call("run", str(project / TASK), "--repo", str(project))
    assert done.code == 1
    assert "timed-out" in done.err


def test_a_child_that_outlives_its_test_is_ended_with_the_check(
    project: Path, tmp_path: Path, call: CommandLine
) -> None:
    pid_file = tmp_path / "pid"
    fork = f"""import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"],
                         start_new_session=True)
open({str(pid_file)!r}, "w").write(str(child.pid))
child.returncode = 0
"""
    write(project, "tests/test_fork.py", fork)
    # Contained, it could not write its number, and the kernel ends it with its namespace.
    write(project, ".codex-orchestrator.toml", '[policy]\nsandbox = "off"\n')
    commit_all(project, "fork")
    assert call("run", str(project / TASK), "--repo", str(project)).code == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_files_that_are_not_utf_8_do_not_stop_a_run(project: Path, call: CommandLine) -> None:
    write(project, "src/greeter/latin.py", b"# -*- coding: latin-1 -*-\nname = '\xe9'\n")
    write(project, "src/greeter/raw.bin", b"\xff\xfe\x00")
    commit_all(project, "bytes")
    assert call("run", str(project / TASK), "--repo", str(project)).code == 0


def test_cloud_mode_is_never_replaced_by_another_in_silence(
    project: Path, call: CommandLine
) -> None:
    done = call("run", str(project / TASK), "--mode", "cloud", "--repo", str(project))
    assert done.code == 2
    assert "--mode: a task with steps is carried out on this machine" in done.err


def test_a_run_to_resume_that_does_not_exist_is_exit_2(project: Path, call: CommandLine) -> None:
    done = call("run", "--resume", "20200101t000000z-abcd", "--repo", str(project))
    assert done.code == 2


def test_an_unknown_configuration_key_names_file_line_and_the_nearest(
    project: Path, call: CommandLine
) -> None:
    write(project, "pyproject.toml", "[tool.codex-orchestrator.model]\nnmae = 'x'\n")
    done = call("run", str(project / TASK), "--repo", str(project))
    assert done.code == 2
    assert "pyproject.toml:2" in done.err
    assert "did you mean `name`" in done.err


def test_a_step_that_removes_its_work_tree_ends_the_run_and_is_named(
    project: Path, call: CommandLine
) -> None:
    write(project, "tools/remove.py", "import os, shutil; shutil.rmtree(os.getcwd())\n")
    steps = (
        '[{pattern: py-print-to-logging, paths: ["src/**/*.py"]},'
        " {command: [python3, tools/remove.py]}]"
    )
    write(project, TASK, task_with(steps=steps))
    # Contained, it could not: its root folder is a mount.
    write(project, ".codex-orchestrator.toml", '[policy]\nsandbox = "off"\n')
    commit_all(project, "remove")
    done = call("run", str(project / TASK), "--repo", str(project), "--format", "json")
    assert done.code == 1, done.err
    report = json.loads(done.out)
    assert "removed the run's work tree" in report["reason"]
    assert "logging" in (project / report["patch_path"]).read_text(), "the first step's work"
    manifest = json.loads((project / report["manifest_path"]).read_bytes())
    assert manifest["run"]["state"] == "finished"
    states = {item["id"]: item["state"] for item in manifest["items"]}
    assert states == {"step-1": "done", "step-2": "failed"}


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("import subprocess; subprocess.run(['git', 'init', '-q', 'src/inner'])", "src/inner"),
        ("open(b'src/caf\\xe9.txt', 'w').write('x')", "not UTF-8"),
    ],
)
def test_a_step_that_makes_what_git_cannot_record_ends_the_run_and_is_named(
    project: Path, call: CommandLine, made: str, named: str
) -> None:
    write(project, "tools/make.py", f"{made}\n")
    steps = (
        '[{pattern: py-print-to-logging, paths: ["src/**/*.py"]},'
        " {command: [python3, tools/make.py]}]"
    )
    write(project, TASK, task_with(steps=steps))
    commit_all(project, "make")
    done = call("run", str(project / TASK), "--repo", str(project), "--format", "json")
    assert done.code == 1, done.err
    report = json.loads(done.out)
    assert named in report["reason"]
    assert "logging" in (project / report["patch_path"]).read_text(), "the first step's work"
    manifest = json.loads((project / report["manifest_path"]).read_bytes())
    assert manifest["guardrails"][-1]["name"] == "unrecordable-work"
    assert git(project, "worktree", "list").count("\n") == 1


def test_a_grant_that_nothing_can_use_leaves_no_mark_on_the_run(
    project: Path, call: CommandLine
) -> None:
    bad = {"network:example.com": 3, "run:'no end": 2, "run: ": 2, "edit:": 2, "all:yes": 2}
    write(project, "tests/conftest.py", CONFTEST)
    step = '[{pattern: py-none-comparison, paths: ["tests/conftest.py"]}]'
    path = write(project, TASK, task_with(steps=step))
    commit_all(project, "a protected file")
    where = ("--repo", str(project))
    for grant, code in bad.items():
        assert call("run", str(path), "--approve", grant, *where).code == code
    assert not list(project.glob(".runs/*/*")), "no run was started"
    assert call("run", str(path), *where).code == 6
    (manifest,) = project.glob(".runs/*/*/manifest.json")
    before = manifest.read_bytes()
    resume = ("run", "--resume", manifest.parent.name, *where)
    for grant, code in bad.items():
        assert call(*resume, "--approve", grant).code == code
    assert manifest.read_bytes() == before
    assert call(*resume, "--approve", "edit:tests/conftest.py").code == 0


def test_a_file_whose_name_looks_like_a_glob_is_granted_as_the_message_says(
    project: Path, call: CommandLine
) -> None:
    write(project, "src/[slug]/conftest.py", CONFTEST)
    step = '[{pattern: py-none-comparison, paths: ["src/**/conftest.py"]}]'
    path = write(project, TASK, task_with(steps=step))
    commit_all(project, "a protected file")
    where = ("--repo", str(project), "--format", "json")
    waits = json.loads(call("run", str(path), *where).out)
    done = call("run", "--resume", waits["run_id"], "--approve", *waits["wanted"], *where)
    assert (done.code, waits["wanted"]) == (0, ["edit:src/[[]slug]/conftest.py"])


def test_a_protected_file_with_a_line_end_in_its_name_is_never_asked_for(
    project: Path, call: CommandLine
) -> None:
    make = "import os; os.mkdir('x\\nrun:sh'); open('x\\nrun:sh/conftest.py', 'w').write('a = 1')"
    write(project, "tools/make.py", make)
    path = write(project, TASK, task_with(steps="[{command: [python, tools/make.py]}]"))
    commit_all(project, "a tool")
    done = call("run", str(path), "--repo", str(project), "--format", "json")
    report = json.loads(done.out)
    assert (done.code, report["verdict"], report["wanted"]) == (1, "failed", [])
    assert report["validations"] == [], "no check ran its code"
    assert "x\\x0arun:sh/conftest.py" in report["reason"]
