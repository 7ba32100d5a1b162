"""Pass a run between the jobs of a workflow: put it into an artifact, and take it out again."""

from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.github.event import read_event
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.runs.staging import restore_run, stage_run

STAGING = "codex-orchestrator-manifests"


def put_into_artifact(
    repo: Path, task_id: str, run_id: str, folder: Path, *, attempt: int, workflow_attempt: str
) -> dict[str, str]:
    """Copy a run to a folder below `folder`; return the outputs that name it and its artifact.

    Args:
        repo: the repository that holds the run.
        task_id: the task of the run.
        run_id: the run.
        folder: the temporary folder of the runner.
        attempt: how many times the run was started or resumed.
        workflow_attempt: how many times the workflow run was started.

    Raises:
        InputError: the run folder is missing, or too large for an artifact.
    """
    staged = folder / STAGING
    stage_run(repo, task_id, run_id, staged)
    # Artifact names are unique in a workflow run; the run id distinguishes the jobs of a matrix.
    # A run that was resumed in a later job of the same workflow run gets another artifact.
    later = f"-{attempt}" if attempt > 1 else ""
    name = f"run-{run_id}-{workflow_attempt}{later}"
    return {"staged-path": str(staged), "artifact-name": name}


def take_from_artifact(source: Path, repo: Path, *, resume: str | None) -> str:
    """Copy the run of an artifact to a new checkout and return its id.

    Args:
        source: the folder of the artifact.
        repo: the checkout.
        resume: the run that will be resumed; None when none will be.

    Raises:
        InputError: the folder is not a staged run, or not this one; or the checkout has runs.
    """
    _, run_id = restore_run(source, repo)
    if resume is not None and resume != run_id:
        raise InputError(
            f"is {resume!r}, and the artifact holds run {run_id}",
            field="resume",
            fix="name the run of the artifact",
        )
    return run_id


def check_commit(base_sha: str, environment: Mapping[str, str]) -> None:
    """Check that a run of another job is about the commit of this workflow's event.

    Raises:
        NotCheckedError: it is about another commit, or the event names no commit.
        InputError: the event's payload is missing, or a field of it is wrong.
    """
    event = read_event(environment)
    if base_sha not in (event.head_sha, event.checkout_sha):
        raise NotCheckedError(
            f"the run is about {base_sha[:12]}, this workflow about {event.head_sha[:12]}",
            fix="use the artifact of this workflow run",
        )
