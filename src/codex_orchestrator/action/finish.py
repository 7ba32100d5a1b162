"""The action's second half: record the artifact, publish, sync, and report the result."""

from collections.abc import Mapping
from typing import NamedTuple

import click

from codex_orchestrator.action.inputs import Call, Found, Inputs
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.model.verdict import Verdict


class Ended(NamedTuple):
    """The result of the action: its outputs and the exit code of its last step."""

    outputs: dict[str, str]
    exit_code: ExitCode


class Artifact(NamedTuple):
    """The uploaded artifact, as the upload step or an earlier job named it."""

    id: str
    digest: str
    url: str


def finish(inputs: Inputs, found: Found, artifact: Artifact, call: Call) -> Ended:
    """Deliver the result of the work. When one delivery fails, the next is still tried."""
    codes: list[ExitCode] = []
    posted, comment_url, synced = "false", "", "false"
    # A run that stopped before its end has no verdict: there is nothing to deliver yet.
    is_judged = bool(found.run_id) and found.verdict in set(Verdict)
    if is_judged and all(artifact):
        codes.append(_record(found.run_id, artifact, call))
    if is_judged and inputs.command in ("publish", "all"):
        code, report = call("review", "publish", "--post", inputs.post, "--", found.run_id)
        codes.append(code)
        posted = str(report.get("posted", "false"))
        comment_url = str(report.get("comment_url", ""))
    if is_judged and inputs.command in ("sync", "all"):
        codes.append(_sync(inputs, found.run_id, call))
        synced = "true" if codes[-1] is ExitCode.OK else "false"
    delivered = next((code for code in codes if code is not ExitCode.OK), ExitCode.OK)
    outputs = {
        **found.outputs(),
        "posted": posted,
        "comment-url": comment_url,
        "synced": synced,
    }
    if found.exit_code is ExitCode.OK:
        outputs["exit-code"] = str(int(delivered))
    judged = ExitCode.OK if is_tolerated(found, inputs.fail_on) else found.exit_code
    return Ended(outputs, judged if judged is not ExitCode.OK else delivered)


def is_tolerated(found: Found, fail_on: str) -> bool:
    """Say whether `fail-on` tolerates a bad verdict. What was not checked is never tolerated."""
    if found.exit_code is not ExitCode.FINDINGS:
        return False
    if fail_on == "never":
        return True
    return fail_on == "failed" and found.verdict == Verdict.CHANGES_REQUESTED


def _record(run_id: str, artifact: Artifact, call: Call) -> ExitCode:
    words = ("--id", artifact.id, "--digest", artifact.digest, "--url", artifact.url)
    return call("sync", "record-artifact", *words, "--", run_id).exit_code


def _sync(inputs: Inputs, run_id: str, call: Call) -> ExitCode:
    words = ["sync"]
    words += ["--catalog", inputs.catalog] if inputs.catalog else []
    words += ["--require-artifact"] if inputs.must_have_artifact else []
    code, report = call(*words, "--", run_id)
    if code is ExitCode.OK and not (report.get("synced") or report.get("already_synced")):
        click.echo("the catalog has no receipt for this run")
        return ExitCode.NOT_CHECKED
    return code


def read_artifact(environment: Mapping[str, str]) -> Artifact:
    """Read the artifact's facts: of the upload in this job, else those that the inputs name."""
    return Artifact(
        *(
            environment.get(f"UPLOADED_{name}") or environment.get(f"INPUT_ARTIFACT_{name}", "")
            for name in ("ID", "DIGEST", "URL")
        )
    )
