"""The two halves of the action, with our own commands answered by a script."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.action.finish import Artifact, finish, is_tolerated, read_artifact
from codex_orchestrator.action.inputs import (
    Called,
    Found,
    Inputs,
    options_first,
    read_found,
    read_inputs,
)
from codex_orchestrator.action.work import HIDDEN, TOKENS, work
from codex_orchestrator.cli.app import run
from codex_orchestrator.model.errors import ExitCode, InputError, NotCheckedError
from codex_orchestrator.runs.staging import stage_run

RUN = "20261122t100000z-abc123"
GUARD_PASSED = {"schema": "guard-report.v1", "outcome": "passed", "findings": []}
GUARD_FAILED = {
    "schema": "guard-report.v1",
    "outcome": "failed",
    "as_of": "2026-11-22",
    "checked": {"code": 1, "specs": 1},
    "findings": [
        {
            "rule": "SPEC001",
            "severity": "error",
            "path": "src/a.py",
            "line": 0,
            "message": "no spec owns it\n::error::forged",
            "fix": "write one",
        }
    ],
}
RUN_REPORT = {
    "schema": "run-report.v1",
    "run_id": RUN,
    "task_id": "0001-x",
    "verdict": "approved",
    "mode": "mcp",
    "findings": 0,
    "manifest_path": f".runs/0001-x/{RUN}/manifest.json",
    "manifest_sha256": "c" * 64,
}
ARTIFACT = Artifact("42", "d" * 64, "https://github.com/o/r/actions/runs/1/artifacts/42")
ARTIFACT_WORDS = ("--id", "42", "--digest", "d" * 64, "--url", ARTIFACT.url)
WORKED = Found("approved", ExitCode.OK, "0001-x", RUN, "mcp", 0, "m", "c" * 64)


class Script:
    """Answers our commands by their first words and remembers how they were called."""

    def __init__(self, **answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, ...]] = []
        self.without: list[tuple[str, ...]] = []

    def __call__(self, *words: str, without: tuple[str, ...] = ()) -> Called:
        self.calls.append(words)
        self.without.append(without)
        names = ("_".join(words[:2]).replace("-", "_"), words[0])
        answer = next((self.answers[name] for name in names if name in self.answers), (0, {}))
        return Called(ExitCode(answer[0]), answer[1])

    def first_words(self) -> list[str]:
        return [call[0] for call in self.calls]


def make_inputs(tmp_path: Path, **given: str) -> Inputs:
    names = {f"INPUT_{name.upper()}": value for name, value in given.items()}
    return read_inputs({"INPUT_WORKING_DIRECTORY": str(tmp_path), **names})


def do_work(tmp_path: Path, script: Script, **given: str) -> tuple[Found, dict[str, str]]:
    if given.get("command") in ("run", "all"):
        folder = tmp_path / ".runs" / "0001-x" / RUN
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
    outputs: dict[str, str] = {}
    environment = {
        "RUNNER_TEMP": str(tmp_path / "temporary"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    found = work(make_inputs(tmp_path, **given), script, environment, outputs.update)
    return found, outputs


def test_the_guard_annotates_and_summarises_what_it_found(tmp_path, capsys):
    found, outputs = do_work(tmp_path, Script(guard=(1, GUARD_FAILED)), command="guard")
    assert (found.verdict, outputs["exit-code"], outputs["findings"]) == ("failed", "1", "1")
    said = capsys.readouterr().out
    assert "::error file=src/a.py,title=SPEC001::no spec owns it%0A::error::forged" in said
    assert "\n::error::forged" not in said
    assert "SPEC001" in (tmp_path / "summary.md").read_text()


def test_a_guard_that_could_not_check_is_no_pass(tmp_path, capsys):
    found, outputs = do_work(tmp_path, Script(guard=(3, {})), command="guard")
    assert (found.verdict, outputs["exit-code"]) == ("not-checked", "3")
    assert "::error::spec guard: not checked (exit 3)" in capsys.readouterr().out


def test_all_starts_no_agent_when_the_guard_refuses(tmp_path):
    script = Script(guard=(1, GUARD_FAILED), run=(0, RUN_REPORT))
    found, outputs = do_work(tmp_path, script, command="all", task="0001-x")
    assert script.first_words() == ["guard"]
    assert (found.run_id, "staged-path" in outputs) == ("", False)


def test_a_run_is_staged_for_the_upload_under_a_name_of_its_own(tmp_path):
    script = Script(guard=(0, GUARD_PASSED), run=(0, RUN_REPORT))
    _, outputs = do_work(tmp_path, script, command="all", task="0001-x", base="main")
    assert script.calls[0] == ("guard", "--base", "main")
    assert script.calls[1] == ("run", "--mode", "auto", "--", "0001-x")
    staged = Path(outputs["staged-path"])
    assert (staged / "runs" / "0001-x" / RUN / "manifest.json").read_text() == "{}"
    assert outputs["artifact-name"] == f"run-{RUN}-1"


def test_a_run_whose_check_wrote_to_the_steps_files_has_no_verdict(tmp_path, capsys):
    output = tmp_path / "output"
    output.write_text("")

    class Forging(Script):
        def __call__(self, *words: str, without: tuple[str, ...] = ()) -> Called:
            output.write_text("verdict=approved\n")
            return super().__call__(*words, without=without)

    environment = {"RUNNER_TEMP": str(tmp_path / "temporary"), "GITHUB_OUTPUT": str(output)}
    folder = tmp_path / ".runs" / "0001-x" / RUN
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    inputs = make_inputs(tmp_path, command="run", task="0001-x")
    outputs: dict[str, str] = {}
    found = work(inputs, Forging(run=(0, RUN_REPORT)), environment, outputs.update)
    assert (found.verdict, found.exit_code) == ("not-checked", ExitCode.NOT_CHECKED)
    assert output.read_text() == ""
    assert "::error::a check wrote to files of the workflow's step: GITHUB_OUTPUT" in (
        capsys.readouterr().out
    )
    assert outputs["staged-path"]


@pytest.mark.parametrize("command", ["run", "guard", "all"])
@pytest.mark.parametrize("code", [0, 1])
def test_a_command_that_says_nothing_has_checked_nothing(tmp_path, command, code):
    silent = {"guard": (code, {}), "run": (code, {})}
    found, outputs = do_work(tmp_path, Script(**silent), command=command, task="0001-x")
    assert (found.verdict, found.exit_code) == ("not-checked", ExitCode.NOT_CHECKED)
    assert outputs["exit-code"] == "3"


@pytest.mark.parametrize(
    ("command", "report"),
    [("run", {}), ("guard", {}), ("guard", GUARD_PASSED)],
    ids=["a run without a report", "a guard without a report", "a guard that passes"],
)
def test_whoever_writes_to_the_steps_files_gets_no_verdict_with_or_without_a_report(
    tmp_path, capsys, command, report
):
    output = tmp_path / "output"
    output.write_text("")

    class Forging(Script):
        def __call__(self, *words: str, without: tuple[str, ...] = ()) -> Called:
            output.write_text("verdict=approved\n")
            return super().__call__(*words, without=without)

    environment = {"RUNNER_TEMP": str(tmp_path / "temporary"), "GITHUB_OUTPUT": str(output)}
    inputs = make_inputs(tmp_path, command=command, task="0001-x")
    found = work(inputs, Forging(**{command: (0, report)}), environment, lambda _: None)
    assert (found.verdict, found.exit_code) == ("not-checked", ExitCode.NOT_CHECKED)
    assert output.read_text() == ""
    assert "files of the workflow's step: GITHUB_OUTPUT" in capsys.readouterr().out


def test_agents_are_started_without_tokens(tmp_path):
    script = Script(run=(0, RUN_REPORT))
    do_work(tmp_path, script, command="run", task="0001-x")
    assert script.without == [HIDDEN]
    assert {"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"} <= set(HIDDEN)
    assert {"GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN"} <= set(TOKENS)


STOPPED = RUN_REPORT | {
    "verdict": None,
    "state": "waiting",
    "reason": "the builder asks for edit:AGENTS.md | <b>",
    "wanted": ["edit:AGENTS.md", "run:npm run build"],
    "attempt": 2,
}


def test_a_run_that_waits_is_staged_and_the_summary_says_how_to_go_on(tmp_path):
    found, outputs = do_work(tmp_path, Script(run=(6, STOPPED)), command="run", task="0001-x")
    assert (outputs["verdict"], outputs["exit-code"]) == ("not-checked", "6")
    assert outputs["waiting-for"] == "edit:AGENTS.md\nrun:npm run build"
    assert (Path(outputs["staged-path"]) / "runs" / "0001-x" / RUN / "manifest.json").is_file()
    assert outputs["artifact-name"] == f"run-{RUN}-1-2"
    said = (tmp_path / "summary.md").read_text()
    assert "| `approve` | `edit:AGENTS.md` |" in said
    assert "| `approve` | `run:npm run build` |" in said
    assert f"| `resume-manifest-sha256` | `{'c' * 64}` |" in said
    assert "<b>" not in said
    assert found.state == "waiting"


def test_an_interrupted_run_asks_for_nothing_and_is_staged(tmp_path):
    report = STOPPED | {"state": "interrupted", "wanted": [], "reason": "HTTP 500"}
    _, outputs = do_work(tmp_path, Script(run=(4, report)), command="run", task="0001-x")
    assert (outputs["waiting-for"], outputs["exit-code"]) == ("", "4")
    assert "staged-path" in outputs
    assert "was interrupted" in (tmp_path / "summary.md").read_text()


def test_nothing_is_delivered_of_a_run_that_waits(tmp_path):
    script = Script()
    stopped = Found("not-checked", ExitCode.APPROVAL, "0001-x", RUN, waiting_for="edit:A")
    ended = finish(make_inputs(tmp_path, command="all"), stopped, ARTIFACT, script)
    assert script.calls == []
    assert ended.exit_code is ExitCode.APPROVAL
    assert ended.outputs["waiting-for"] == "edit:A"


def staged_elsewhere(tmp_path: Path) -> Path:
    """Stage a run of another repository, as an earlier job's artifact brings it."""
    other = tmp_path / "other"
    (other / ".runs" / "0001-x" / RUN).mkdir(parents=True)
    (other / ".runs" / "0001-x" / RUN / "manifest.json").write_text("{}")
    stage_run(other, "0001-x", RUN, tmp_path / "handoff")
    return tmp_path / "handoff"


RESUMED = {"command": "run", "task": "0001-x", "resume": RUN}


def test_a_run_of_an_artifact_is_gone_on_with_as_the_inputs_say(tmp_path):
    waiting = {"run": {"state": "waiting"}}
    script = Script(runs_show=(0, waiting), run=(0, RUN_REPORT | {"state": "finished"}))
    given = RESUMED | {"manifests": str(staged_elsewhere(tmp_path))}
    given |= {"approve": "edit:A B\n\n  run:npm test\n", "expected_manifest_sha256": "c" * 64}
    (tmp_path / "repo").mkdir()
    inputs = make_inputs(tmp_path / "repo", **given)
    found = work(inputs, script, {"RUNNER_TEMP": str(tmp_path)}, lambda _: None)
    approved = ("--approve=edit:A B", "--approve=run:npm test")
    resumed = (
        f"--resume={RUN}",
        "--from-artifact",
        f"--manifest-sha256={'c' * 64}",
        "--",
        "0001-x",
    )
    assert script.calls[-1] == ("run", "--mode", "auto", *approved, *resumed)
    assert found.verdict == "approved"


@pytest.mark.parametrize(
    ("given", "state", "said"),
    [
        ({}, "finished", "has finished"),
        ({"resume": "20261122t100000z-ffffff"}, "waiting", "the artifact holds run"),
        ({"resume": ""}, "waiting", "the artifact holds run"),
    ],
)
def test_an_artifact_that_is_not_of_the_run_to_resume_is_refused(tmp_path, given, state, said):
    script = Script(runs_show=(0, {"run": {"state": state}}))
    (tmp_path / "repo").mkdir()
    given = RESUMED | {"manifests": str(staged_elsewhere(tmp_path))} | given
    inputs = make_inputs(tmp_path / "repo", **given)
    with pytest.raises((InputError, NotCheckedError), match=said):
        work(inputs, script, {"RUNNER_TEMP": str(tmp_path)}, lambda _: None)
    assert not [call for call in script.calls if call[0] == "run"]


SLOW = """import json, signal, sys, time
def stop(*_):
    print(json.dumps({"state": "interrupted"}), flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(60)
"""
CALLER = """import subprocess, sys
from codex_orchestrator.action.inputs import answer_of
with subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdout=subprocess.PIPE) as child:
    print(answer_of(child).decode().strip(), child.wait())
"""


def test_a_cancelled_job_lets_the_run_save_its_state_and_hears_its_answer(tmp_path):
    started = tmp_path / "started"
    argv = [sys.executable, "-c", CALLER, SLOW, str(started)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as caller:
        while not started.exists():
            time.sleep(0.01)
        caller.send_signal(signal.SIGINT)
        said, _ = caller.communicate(timeout=60)
    assert said == '{"state": "interrupted"} 130\n'


def test_a_refused_task_has_a_verdict_and_no_run(tmp_path):
    refused = {"schema": "run-report.v1", "run_id": None, "verdict": "failed", "findings": 2}
    found, outputs = do_work(tmp_path, Script(run=(1, refused)), command="run", task="x")
    assert (found.verdict, outputs["run-id"], outputs["findings"]) == ("failed", "", "2")
    assert "staged-path" not in outputs


def test_an_error_before_a_run_is_not_checked_and_leaves_no_run(tmp_path):
    report = {"schema": "run-report.v1", "run_id": None, "verdict": None, "state": None}
    script = Script(run=(5, report | {"reason": "another run holds the lock", "exit_code": 5}))
    found, outputs = do_work(tmp_path, script, command="run", task="0001-x")
    assert (found.verdict, outputs["exit-code"], found.run_id) == ("not-checked", "5", "")
    assert "staged-path" not in outputs


def test_a_run_without_a_task_is_wrong_use(tmp_path):
    with pytest.raises(InputError, match="task"):
        do_work(tmp_path, Script(), command="run")


VERIFIED = {
    "runs": [
        {
            "task_id": "0001-x",
            "run_id": RUN,
            "path": f".runs/0001-x/{RUN}",
            "manifest_sha256": "c" * 64,
        }
    ]
}
MANIFEST = {
    "verdict": "changes-requested",
    "mode": {"selected": "mcp"},
    "validations": [{"status": "passed"}],
    "review": {"findings": [{}, {}]},
    "run": {"base_sha": "1" * 40},
}


def test_the_newest_finished_run_is_verified_and_its_verdict_read(tmp_path):
    def entry(run_id: str, state: str) -> dict[str, Any]:
        return {"task_id": "0001-x", "run_id": run_id, "summary": {"state": state}}

    listed = {"runs": [entry("a", "finished"), entry("b", "finished"), entry("c", "running")]}
    script = Script(runs_list=(0, listed), runs_verify=(0, VERIFIED), runs_show=(0, MANIFEST))
    found, _ = do_work(tmp_path, script, command="publish")
    assert script.calls[1] == ("runs", "verify", "--", "0001-x/b")
    assert (found.verdict, found.exit_code, found.findings) == ("changes-requested", 1, 2)
    assert found.manifest_path == f".runs/0001-x/{RUN}/manifest.json"


def test_no_older_run_is_taken_in_place_of_one_that_cannot_be_read(tmp_path):
    finished = {"task_id": "0001-x", "run_id": "a", "summary": {"state": "finished"}}
    problem = "manifest.json: has the schema run-manifest.v3"
    newer = {"task_id": "0001-x", "run_id": "b", "summary": None, "problem": problem}
    script = Script(runs_list=(0, {"runs": [finished, newer]}))
    with pytest.raises(NotCheckedError, match=r"0001-x/b cannot be read: .*run-manifest\.v3"):
        do_work(tmp_path, script, command="publish")
    script = Script(
        runs_list=(0, {"runs": [newer, finished]}),
        runs_verify=(0, VERIFIED),
        runs_show=(0, MANIFEST),
    )
    do_work(tmp_path, script, command="publish")
    assert script.calls[1] == ("runs", "verify", "--", "0001-x/a")


def test_evidence_that_does_not_hold_is_not_checked(tmp_path):
    found, _ = do_work(tmp_path, Script(runs_verify=(1, VERIFIED)), command="verify", run="b")
    assert (found.verdict, found.exit_code) == ("not-checked", ExitCode.NOT_CHECKED)


def test_another_manifest_than_the_stated_one_is_refused(tmp_path):
    script = Script(runs_verify=(0, VERIFIED), runs_show=(0, MANIFEST))
    expected = {"expected_manifest_sha256": "e" * 64}
    with pytest.raises(NotCheckedError, match="the job that made it said"):
        do_work(tmp_path, script, command="verify", run="b", **expected)


def test_a_job_without_a_run_has_nothing_to_publish(tmp_path):
    with pytest.raises(NotCheckedError, match="no finished run"):
        do_work(tmp_path, Script(runs_list=(0, {"runs": []})), command="publish")


def test_delivery_records_publishes_and_syncs_in_this_order(tmp_path):
    published = {"posted": "true", "comment_url": "https://github.com/o/r/pull/7#issuecomment-1"}
    script = Script(review=(0, published), sync=(0, {"already_synced": 1}))
    inputs = make_inputs(tmp_path, command="all", catalog="file:///c", post="summary")
    outputs, code = finish(inputs, WORKED, ARTIFACT, script)
    assert script.calls == [
        ("sync", "record-artifact", *ARTIFACT_WORDS, "--", RUN),
        ("review", "publish", "--post", "summary", "--", RUN),
        ("sync", "--catalog", "file:///c", "--require-artifact", "--", RUN),
    ]
    assert code is ExitCode.OK
    assert (outputs["posted"], outputs["synced"]) == ("true", "true")
    assert outputs["comment-url"] == published["comment_url"]


def test_a_comment_that_failed_does_not_keep_the_run_from_its_catalog(tmp_path):
    script = Script(review=(4, {}), sync=(0, {"synced": [{}]}))
    outputs, code = finish(make_inputs(tmp_path, command="all"), WORKED, ARTIFACT, script)
    assert (outputs["posted"], outputs["synced"]) == ("false", "true")
    assert (code, outputs["exit-code"]) == (ExitCode.SERVICE, "4")


def test_a_sync_without_a_receipt_is_no_success(tmp_path):
    inputs = make_inputs(tmp_path, command="sync", require_artifact="false")
    outputs, code = finish(inputs, WORKED, Artifact("", "", ""), Script(sync=(0, {})))
    assert (outputs["synced"], code) == ("false", ExitCode.NOT_CHECKED)


def test_the_verdict_is_said_before_a_failed_delivery(tmp_path):
    bad = WORKED._replace(verdict="failed", exit_code=ExitCode.FINDINGS)
    script = Script(review=(4, {}), sync=(0, {"synced": [{}]}))
    outputs, code = finish(make_inputs(tmp_path, command="all"), bad, ARTIFACT, script)
    assert (code, outputs["exit-code"]) == (ExitCode.FINDINGS, "1")


def test_a_verdict_that_is_tolerated_does_not_hide_a_failed_delivery(tmp_path):
    bad = WORKED._replace(verdict="failed", exit_code=ExitCode.FINDINGS)
    inputs = make_inputs(tmp_path, command="all", fail_on="never")
    outputs, code = finish(inputs, bad, ARTIFACT, Script(review=(4, {}), sync=(0, {"synced": [1]})))
    assert (code, outputs["exit-code"]) == (ExitCode.SERVICE, "1")


@pytest.mark.parametrize(
    ("verdict", "code", "fail_on", "passes"),
    [
        ("approved", 0, "findings", False),
        ("failed", 1, "findings", False),
        ("failed", 1, "failed", False),
        ("failed", 1, "never", True),
        ("changes-requested", 1, "findings", False),
        ("changes-requested", 1, "failed", True),
        ("changes-requested", 1, "never", True),
        ("not-checked", 3, "never", False),
        ("not-checked", 70, "never", False),
        ("failed", 4, "never", False),
    ],
)
def test_only_a_verdict_is_ever_let_pass(verdict, code, fail_on, passes):
    assert is_tolerated(Found(verdict, ExitCode(code)), fail_on) is passes


def test_a_work_step_that_broke_is_not_checked():
    assert read_found({"WORK_EXIT_CODE": ""}) == Found()
    assert Found().exit_code is ExitCode.NOT_CHECKED


def test_the_upload_of_this_job_goes_before_the_named_artifact():
    environment = {"UPLOADED_ID": "1", "INPUT_ARTIFACT_ID": "2", "INPUT_ARTIFACT_DIGEST": "d"}
    assert read_artifact(environment) == Artifact("1", "d", "")


def test_options_stand_before_the_words_that_are_only_words():
    words = options_first(("run", "--mode", "auto", "--", "--help"), Path("/r"))
    assert words == ["run", "--mode", "auto", "--repo", "/r", "--format", "json", "--", "--help"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("command", "deploy"),
        ("mode", "both"),
        ("fail-on", "always"),
        ("require-artifact", "yes"),
        ("vault-url", "https://vault.example:8200"),
        ("working-directory", "no/such/folder"),
        ("approve", "edit:AGENTS.md"),
        ("resume", RUN),
    ],
)
def test_a_wrong_input_is_named(tmp_path, name, value):
    variables = {"INPUT_WORKING_DIRECTORY": str(tmp_path)}
    variables[f"INPUT_{name.upper().replace('-', '_')}"] = value
    with pytest.raises(InputError) as caught:
        read_inputs(variables)
    assert name in caught.value.message


@pytest.mark.parametrize("half", ["work", "finish"])
def test_wrong_input_sets_the_outputs_and_ends_with_its_exit_code(
    half, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setenv("INPUT_COMMAND", "deploy")
    assert run(["action", half]) == 2
    assert "deploy" in capsys.readouterr().err
    text = output.read_text()
    assert "not-checked" in text
    assert "\n2\n" in text


def test_our_own_command_is_run_and_its_document_read(tmp_path, monkeypatch, capfd):
    """The whole way: environment in, real command, outputs out."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    output = tmp_path / "output"
    for name, value in {
        "GITHUB_OUTPUT": str(output),
        "INPUT_COMMAND": "publish",
        "INPUT_WORKING_DIRECTORY": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    assert run(["action", "work"]) == 3
    said = capfd.readouterr()
    assert "there is no finished run here" in said.err
    marks = [line for line in said.out.splitlines() if line.startswith("::")]
    assert marks[0].startswith("::stop-commands::co_")
    assert marks[1] == f"::{marks[0].rpartition('::')[2]}::"
    assert json.dumps("3") in json.dumps(output.read_text().split("\n"))
