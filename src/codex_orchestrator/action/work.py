"""The first part of the action: check, run or verify. It has no token with write access."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from codex_orchestrator.action.inputs import Call, Called, Found, Inputs, temporary_folder
from codex_orchestrator.action.outputs import STEP_FILES, kept_step_files
from codex_orchestrator.model.errors import ExitCode, InputError, NotCheckedError
from codex_orchestrator.model.verdict import ValidationStatus, Verdict, exit_code_of

Writer = Callable[[dict[str, str]], None]
RUNS = ("run", "all")
# A token with write access is only for the second part; processes of agents must not find it.
TOKENS = ("GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
HIDDEN = (*TOKENS, *STEP_FILES)


def work(inputs: Inputs, call: Call, environment: Mapping[str, str], write: Writer) -> Found:
    """Do what the command asks for, up to a staged run folder, and write the outputs."""
    if inputs.manifests:
        from codex_orchestrator.verbs.hand_over_run import take_from_artifact

        resume = inputs.resume if inputs.command in RUNS else None
        restored = take_from_artifact(Path(inputs.manifests), _home(inputs), resume=resume)
        if resume is not None:
            _require_unfinished(restored, call)
    found = _found(inputs, call, environment)
    staged = {}
    if found.run_id and inputs.command in RUNS:
        from codex_orchestrator.verbs.hand_over_run import put_into_artifact

        staged = put_into_artifact(
            _home(inputs),
            found.task_id,
            found.run_id,
            temporary_folder(environment),
            attempt=found.attempt,
            workflow_attempt=environment.get("GITHUB_RUN_ATTEMPT", "1"),
        )
    write({**found.outputs(), **staged})
    if found.state and environment.get("GITHUB_STEP_SUMMARY"):
        _say_stopped(found, staged, environment)
    return found


def _home(inputs: Inputs) -> Path:
    """Return the folder that holds the records of the repository's runs."""
    from codex_orchestrator.compose.records_home import records_home

    return records_home(inputs.repo).folder


def _found(inputs: Inputs, call: Call, environment: Mapping[str, str]) -> Found:
    if inputs.command in ("guard", "all"):
        guarded = _guard(inputs, call, environment)
        if inputs.command == "guard" or guarded.exit_code is not ExitCode.OK:
            return guarded
    if inputs.command in RUNS:
        return _run(inputs, call, environment)
    return _verify(inputs, call, environment)


def _guard(inputs: Inputs, call: Call, environment: Mapping[str, str]) -> Found:
    from codex_orchestrator.text.shown import workflow_command
    from codex_orchestrator.verbs.summarize_job import guard_annotations, summarize_guard

    base = ("--base", inputs.base) if inputs.base else ()
    with kept_step_files(environment) as written:
        code, report = call("guard", *base, without=HIDDEN)
    if written or not report:
        _say_written(written)
        code = max(code, ExitCode.NOT_CHECKED)
        click.echo(
            workflow_command("error", f"spec guard: not checked (exit {int(code)}); see the log")
        )
        return Found(exit_code=code)
    for line in guard_annotations(report):
        click.echo(line)
    if environment.get("GITHUB_STEP_SUMMARY"):
        summarize_guard(report, environment["GITHUB_STEP_SUMMARY"])
    return Found(
        verdict=str(report["outcome"]), exit_code=code, findings=len(report.get("findings", ()))
    )


def _say_written(names: Sequence[str]) -> None:
    from codex_orchestrator.text.shown import workflow_command

    if names:
        text = f"a check wrote to files of the workflow's step: {', '.join(names)}"
        click.echo(workflow_command("error", f"{text}; they were put back"))


def _run(inputs: Inputs, call: Call, environment: Mapping[str, str]) -> Found:
    if not inputs.task and not inputs.resume:
        raise InputError("is empty", field="task", fix="name a task file or a task's id")
    words = ["run", "--mode", inputs.mode]
    words += ["--model", inputs.model] if inputs.model else []
    words += ["--builder", inputs.builder] if inputs.builder else []
    words += [f"--approve={grant}" for grant in inputs.approve]
    if inputs.resume:
        words += [f"--resume={inputs.resume}"]
        words += ["--from-artifact"] if inputs.manifests else []
        expected = inputs.expected_manifest
        words += [f"--manifest-sha256={expected}"] if expected else []
    words += ["--", inputs.task] if inputs.task else []
    with kept_step_files(environment) as written:
        code, report = call(*words, without=HIDDEN)
    if written:
        # Whoever does that wants another verdict than the run's: its evidence is kept, not judged.
        _say_written(written)
        report = {**report, "verdict": "not-checked"} if report else report
        code = ExitCode.NOT_CHECKED
    if not report:
        # A run that does not say what came of it did not pass, whatever its exit code.
        return Found(exit_code=max(code, ExitCode.NOT_CHECKED))
    state = str(report.get("state") or "")
    texts = ("task_id", "run_id", "mode", "manifest_path", "manifest_sha256", "reason")
    return Found(
        **{name: str(report.get(name) or "") for name in texts},
        verdict=str(report.get("verdict") or "not-checked"),
        exit_code=code,
        findings=int(report.get("findings") or 0),
        waiting_for="\n".join(report.get("wanted") or ()),
        state=state if state in ("waiting", "interrupted") else "",
        attempt=int(report.get("attempt") or 1),
    )


def _require_unfinished(run_id: str, call: Call) -> None:
    manifest = call("runs", "show", "--", run_id).document
    if manifest.get("run", {}).get("state") == "finished":
        raise NotCheckedError(
            f"run {run_id} has finished, so it cannot be resumed",
            fix="use the command publish or sync, which verify it",
        )


def _say_stopped(found: Found, staged: Mapping[str, str], environment: Mapping[str, str]) -> None:
    from codex_orchestrator.verbs.summarize_job import summarize_stopped_run

    inputs = {
        "task": found.task_id,
        "resume": found.run_id,
        "resume-workflow-run": environment.get("GITHUB_RUN_ID", ""),
        "resume-artifact": staged.get("artifact-name", ""),
        "resume-manifest-sha256": found.manifest_sha256,
    }
    summarize_stopped_run(
        found.state,
        found.reason,
        inputs=inputs,
        wanted=filter(None, found.waiting_for.split("\n")),
        summary_path=environment["GITHUB_STEP_SUMMARY"],
    )


def _verify(inputs: Inputs, call: Call, environment: Mapping[str, str]) -> Found:
    """Find the run of an earlier step or job, check all its hashes, and read its verdict."""
    run_id = inputs.run or _newest(call("runs", "list"))
    checked = call("runs", "verify", "--", run_id)
    if checked.exit_code is not ExitCode.OK:
        # Damaged evidence says nothing about the change, so no setting lets it pass.
        return Found(exit_code=max(checked.exit_code, ExitCode.NOT_CHECKED))
    verified = checked.document["runs"][0]
    _compare("manifest", str(verified["manifest_sha256"]), inputs.expected_manifest)
    manifest = call("runs", "show", "--", run_id).document
    if inputs.manifests:
        from codex_orchestrator.verbs.hand_over_run import check_commit

        check_commit(str(manifest["run"]["base_sha"]), environment)
    verdict = Verdict(manifest["verdict"])
    statuses = [ValidationStatus(check["status"]) for check in manifest["validations"]]
    return Found(
        verdict=str(verdict),
        exit_code=exit_code_of(verdict, statuses),
        task_id=str(verified["task_id"]),
        run_id=str(verified["run_id"]),
        mode=str(manifest["mode"]["selected"]),
        findings=len((manifest["review"] or {"findings": ()})["findings"]),
        manifest_path=f"{verified['path']}/manifest.json",
        manifest_sha256=str(verified["manifest_sha256"]),
    )


def _newest(listed: Called) -> str:
    """Return the newest run that has finished; one that cannot be read may be newer."""
    for run in reversed(listed.document.get("runs", ())):
        name = f"{run['task_id']}/{run['run_id']}"
        if run["summary"] is None:
            raise NotCheckedError(
                f"run {name} cannot be read: {run['problem']}",
                fix="name the run that is meant in the input `run`",
            )
        if run["summary"]["state"] == "finished":
            return name
    raise NotCheckedError(
        "there is no finished run here",
        fix="run a task in an earlier step, or give `manifests` the folder of its artifact",
    )


def _compare(what: str, found: str, expected: str) -> None:
    if expected and found != expected:
        raise NotCheckedError(
            f"the {what} has SHA-256 {found}, the job that made it said {expected}",
            fix="the artifact is not the one that was uploaded: start the workflow again",
        )
