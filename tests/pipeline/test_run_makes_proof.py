"""`run` end to end with the offline model: what it makes, and what it leaves alone."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from support.project import CommandLine, commit_all, git, make_project, task_with, write

TASK = "tasks/logging.md"


def run_json(call: CommandLine, repo: Path, *argv: str) -> tuple[int, dict[str, Any]]:
    done = call("run", *argv, "--repo", str(repo), "--format", "json")
    return done.code, json.loads(done.out)


def manifest_of(repo: Path, report: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((repo / report["manifest_path"]).read_bytes())
    return document


def events_of(repo: Path, report: dict[str, Any]) -> list[dict[str, Any]]:
    text = (repo / report["manifest_path"]).with_name("events.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_good_task_ends_approved_with_a_manifest_that_verifies(
    project: Path, call: CommandLine
) -> None:
    code, report = run_json(call, project, str(project / TASK))
    assert (code, report["verdict"]) == (0, "approved")
    data = (project / report["manifest_path"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == report["manifest_sha256"]
    assert call("runs", "verify", report["run_id"], "--repo", str(project)).code == 0


def test_flipping_a_byte_of_any_file_of_the_run_makes_verify_name_it(
    project: Path, call: CommandLine
) -> None:
    _, report = run_json(call, project, str(project / TASK))
    folder = (project / report["manifest_path"]).parent
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) >= 7
    for path in files:
        good = path.read_bytes()
        path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
        done = call("runs", "verify", report["run_id"], "--repo", str(project))
        assert done.code == 1, path
        assert path.relative_to(folder).as_posix() in done.out + done.err
        path.write_bytes(good)
    assert call("runs", "verify", report["run_id"], "--repo", str(project)).code == 0


def test_the_four_agents_really_ran_and_called_tools_over_mcp(
    project: Path, call: CommandLine
) -> None:
    _, report = run_json(call, project, str(project / TASK))
    manifest = manifest_of(project, report)
    assert manifest["usage"]["requests"] >= 4
    events = events_of(project, report)
    asked = {event["role"] for event in events if event["event"] == "model-request"}
    assert asked == {"planner", "builder", "tester", "reviewer"}
    called = {(event["role"], event["tool"]) for event in events if event["event"] == "tool-call"}
    assert called >= {
        ("planner", "list_files"),
        ("builder", "apply_pattern"),
        ("reviewer", "git_diff"),
    }


def test_the_manifest_tells_the_whole_chain(project: Path, call: CommandLine) -> None:
    base = git(project, "rev-parse", "HEAD").strip()
    _, report = run_json(call, project, str(project / TASK))
    manifest = manifest_of(project, report)
    assert manifest["schema"] == "run-manifest.v2"
    blob = git(project, "rev-parse", "HEAD:tasks/specs/0001-logging.md").strip()
    assert manifest["task"]["spec"]["blob"] == blob
    assert manifest["run"]["base_sha"] == base
    assert manifest["mode"]["selected"] == "mcp"
    assert manifest["engine"]["model"] == "offline"
    assert [item["state"] for item in manifest["items"]] == ["done"]
    assert [check["status"] for check in manifest["validations"]] == ["passed"]
    assert [use["id"] for use in manifest["patterns"]] == ["py-print-to-logging"]
    assert {entry["path"] for entry in manifest["artifacts"]} >= {
        "diff.patch",
        "plan.json",
        "review.json",
        "review.md",
        "events.jsonl",
        "task.md",
    }
    assert str(project) not in json.dumps(manifest)


def test_every_document_of_a_run_names_its_schema(project: Path, call: CommandLine) -> None:
    _, report = run_json(call, project, str(project / TASK))
    folder = (project / report["manifest_path"]).parent
    documents = [json.loads(path.read_bytes()) for path in folder.glob("*.json")]
    documents += events_of(project, report)
    documents += map(json.loads, (project / "out/audit.log").read_text().splitlines())
    documents += [json.loads(path.read_bytes()) for path in (project / "out").rglob("*.json")]
    named = {str(one.get("schema")).rpartition(".")[0] for one in documents}
    assert named == {
        *("run-manifest", "plan", "review", "run-event"),
        *("audit-record", "audit-head", "task-state"),
    }


def test_the_result_is_a_branch_with_one_commit_and_a_patch_of_the_same_change(
    project: Path, call: CommandLine
) -> None:
    base = git(project, "rev-parse", "HEAD").strip()
    _, report = run_json(call, project, str(project / TASK))
    branch = report["branch"]
    assert branch == f"codex-orchestrator/logging/{report['run_id']}"
    assert git(project, "rev-parse", f"{branch}^").strip() == base
    assert git(project, "diff", "--name-only", base, branch).split() == ["src/greeter/__init__.py"]
    patch = (project / report["patch_path"]).read_text()
    assert "-    print(" in patch
    git(project, "apply", "--check", str(project / report["patch_path"]))


def test_the_users_checkout_and_index_stay_as_they_were(project: Path, call: CommandLine) -> None:
    write(project, "src/greeter/extra.py", "x = 1\n")
    write(project, "src/greeter/__init__.py", "# being edited\n")
    git(project, "add", "src/greeter/extra.py")
    before = git(project, "status", "--porcelain=v2", "--branch")
    head = git(project, "symbolic-ref", "HEAD")
    run_json(call, project, str(project / TASK))
    assert git(project, "status", "--porcelain=v2", "--branch") == before
    assert git(project, "symbolic-ref", "HEAD") == head
    assert (project / "src/greeter/__init__.py").read_text() == "# being edited\n"
    assert git(project, "worktree", "list").count("\n") == 1


def test_a_codemod_that_breaks_the_tests_ends_failed_and_names_the_test(
    tmp_path: Path, call: CommandLine
) -> None:
    test = """import contextlib
import io
import unittest

from greeter import greet


class Greeting(unittest.TestCase):
    def test_it_talks_on_stdout(self):
        with contextlib.redirect_stdout(io.StringIO()) as heard:
            greet("you")
        self.assertIn("greeting you", heard.getvalue())
"""
    repo = make_project(tmp_path / "repo", **{"tests/test_greeter.py": test})
    code, report = run_json(call, repo, str(repo / TASK))
    assert (code, report["verdict"]) == (1, "failed")
    assert "test_it_talks_on_stdout" in json.dumps(report["validations"])
    assert "test_it_talks_on_stdout" in (repo / report["review_path"]).read_text()
    assert call("runs", "verify", report["run_id"], "--repo", str(repo)).code == 0


def test_work_that_is_done_already_is_not_called_a_success(
    project: Path, call: CommandLine
) -> None:
    _, first = run_json(call, project, str(project / TASK))
    git(project, "merge", "-q", "--ff-only", first["branch"])
    code, report = run_json(call, project, str(project / TASK))
    assert (code, report["verdict"]) == (1, "changes-requested")
    review = json.loads((project / report["review_path"]).with_name("review.json").read_text())
    assert [finding["rule"] for finding in review["findings"]] == ["run/empty-change"]


def test_apply_puts_an_approved_patch_into_a_clean_tree(project: Path, call: CommandLine) -> None:
    code, _ = run_json(call, project, str(project / TASK), "--apply")
    assert code == 0
    assert "print(" not in (project / "src/greeter/__init__.py").read_text()
    assert git(project, "status", "--porcelain", "src") == " M src/greeter/__init__.py\n"


def test_apply_puts_in_the_patch_of_a_run_that_has_finished_before(
    project: Path, call: CommandLine
) -> None:
    _, report = run_json(call, project, str(project / TASK))
    code, _ = run_json(call, project, "--resume", report["run_id"], "--apply")
    assert code == 0
    assert "print(" not in (project / "src/greeter/__init__.py").read_text()


def test_apply_refuses_a_patch_that_was_changed_since_it_was_recorded(
    project: Path, call: CommandLine
) -> None:
    _, report = run_json(call, project, str(project / TASK))
    patch = project / report["patch_path"]
    patch.write_bytes(patch.read_bytes().replace(b"logger.info", b"logger.evil"))
    done = call("run", "--resume", report["run_id"], "--apply", "--repo", str(project))
    assert done.code == 3, done.err
    assert "diff.patch has SHA-256" in done.err
    assert git(project, "status", "--porcelain", "src") == ""


def test_apply_leaves_the_tree_alone_when_the_verdict_is_not_good(
    project: Path, call: CommandLine
) -> None:
    write(project, "tests/test_greeter.py", "import unittest\nassert False\n")
    commit_all(project, "break")
    code, _ = run_json(call, project, str(project / TASK), "--apply")
    assert code == 1
    assert "print(" in (project / "src/greeter/__init__.py").read_text()


def test_a_dry_run_shows_the_plan_and_the_paths_and_records_nothing(
    project: Path, call: CommandLine
) -> None:
    code, report = run_json(call, project, str(project / TASK), "--dry-run")
    assert code == 0
    assert report["touched"] == {"step-1": ["src/greeter/__init__.py"]}
    assert report["plan"]["items"][0]["step"]["pattern"] == "py-print-to-logging"
    assert not (project / ".runs").exists()
    assert not (project / "out").exists()


def test_a_command_step_runs_in_the_work_tree_and_its_result_is_reviewed(
    project: Path, call: CommandLine
) -> None:
    write(project, "tools/fix.py", "open('src/greeter/made.py', 'w').write('x = 1\\n')\n")
    write(project, TASK, task_with(steps="[{command: [python3, tools/fix.py]}]"))
    commit_all(project, "tool")
    code, report = run_json(call, project, str(project / TASK))
    assert (code, report["verdict"]) == (0, "approved")
    assert git(project, "show", f"{report['branch']}:src/greeter/made.py") == "x = 1\n"
    assert not (project / "src/greeter/made.py").exists()


def test_a_command_step_that_fails_ends_the_run_failed(project: Path, call: CommandLine) -> None:
    write(project, TASK, task_with(steps="[{command: [python3, -c, 'raise SystemExit(3)']}]"))
    commit_all(project, "bad tool")
    code, report = run_json(call, project, str(project / TASK))
    assert (code, report["verdict"]) == (1, "failed")
    assert "step-1" in report["reason"]


def test_a_lint_finding_on_an_added_line_blocks_and_an_old_one_does_not(
    project: Path, call: CommandLine
) -> None:
    write(project, "src/greeter/old.py", "def old(text):\n    return eval(text)\n")
    write(project, "tools/fix.py", "open('src/greeter/old.py', 'a').write('y = eval(\"1\")\\n')\n")
    write(project, TASK, task_with(steps="[{command: [python3, tools/fix.py]}]"))
    commit_all(project, "tool")
    code, report = run_json(call, project, str(project / TASK))
    assert (code, report["verdict"]) == (1, "changes-requested")
    review = json.loads((project / report["review_path"]).with_name("review.json").read_text())
    assert [(one["path"], one["line"]) for one in review["findings"]] == [("src/greeter/old.py", 3)]


@pytest.mark.parametrize("name", ["größe.py", 'a"b.py', "tab\\there.py"])
def test_a_file_whose_name_git_quotes_is_linted_like_any_other(
    project: Path, call: CommandLine, name: str
) -> None:
    write(
        project, "tools/add.py", f"open({'src/greeter/' + name!r}, 'w').write('eval(\"1\")\\n')\n"
    )
    write(project, TASK, task_with(steps="[{command: [python3, tools/add.py]}]"))
    commit_all(project, "tool")
    code, report = run_json(call, project, str(project / TASK))
    assert (code, report["verdict"]) == (1, "changes-requested")


def test_the_audit_log_tells_the_run_and_its_chain_holds(project: Path, call: CommandLine) -> None:
    _, report = run_json(call, project, str(project / TASK))
    lines = (project / "out/audit.log").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    events = [record["event"] for record in records]
    assert events[0] == "run-started"
    assert "guardrail-noted" in events
    assert records[-1]["event"] == "run-finished"
    assert records[-1]["details"]["manifest_sha256"] == report["manifest_sha256"]
    assert call("audit", "verify", "--repo", str(project)).code == 0


def test_a_stale_spec_refuses_the_task_before_anything_is_made(
    project: Path, call: CommandLine
) -> None:
    spec = project / "tasks/specs/0001-logging.md"
    text = spec.read_text()
    line = next(line for line in text.splitlines() if line.startswith("last_review"))
    spec.write_text(text.replace(line, "last_review: 2020-01-01"))
    commit_all(project, "age")
    code, report = run_json(call, project, str(project / TASK))
    assert code == 1
    assert report["run_id"] is None
    assert report["guard_findings"][0]["path"] == "tasks/specs/0001-logging.md"
    assert not list((project / ".runs").glob("*/*/manifest.json"))


def test_a_detached_head_is_a_base_like_any_other(project: Path, call: CommandLine) -> None:
    git(project, "checkout", "-q", "--detach")
    code, _ = run_json(call, project, str(project / TASK))
    assert code == 0


def test_tasks_can_come_from_an_id_from_stdin_and_from_plain_text(
    project: Path, call: CommandLine
) -> None:
    assert run_json(call, project, "logging", "--dry-run")[0] == 0
    prompt = write(project, "please-log.txt", "Use logging\n\nEverywhere.\n")
    argv = ["--prompt-file", str(prompt), "--spec", "tasks/specs/0001-logging.md"]
    done = call("run", *argv, "--repo", str(project))
    assert done.code == 2
    assert "has no steps" in done.err


def test_a_matrix_lists_each_task_once(project: Path, call: CommandLine) -> None:
    code, report = run_json(call, project, "--matrix", str(project / TASK))
    assert code == 0
    assert [leg["id"] for leg in report["include"]] == ["logging"]
    done = call("run", "--matrix", "logging", "logging", "--repo", str(project))
    assert done.code == 2


@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_a_check_changes_gits_own_settings_nowhere_or_is_found_out(
    sandbox: str, tmp_path: Path, call: CommandLine
) -> None:
    test = (
        "import subprocess, unittest\n"
        "class Settings(unittest.TestCase):\n"
        "    def test_it(self):\n"
        "        subprocess.run(['git', 'config', 'core.fsmonitor', '/bin/false'], check=True)\n"
    )
    config = {".codex-orchestrator.toml": f'[policy]\nsandbox = "{sandbox}"\n'}
    repo = make_project(tmp_path / "repo", **{"tests/test_settings.py": test}, **config)
    before = (repo / ".git/config").read_text()
    code, report = run_json(call, repo, str(repo / TASK))
    if sandbox == "auto":
        # The file is read-only for it, so its own test fails, at the base too.
        assert (code, report["verdict"]) == (0, "approved")
        manifest = json.loads((repo / report["manifest_path"]).read_text())
        assert manifest["validations"][0]["tests"]["known"] == 1
        assert (repo / ".git/config").read_text() == before
        return
    assert (code, report["verdict"]) == (1, "changes-requested")
    review = json.loads((repo / report["review_path"]).with_name("review.json").read_text())
    assert [(one["rule"], one["path"]) for one in review["findings"]] == [
        ("run/git-settings-changed", ".git/config")
    ]
