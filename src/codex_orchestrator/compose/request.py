"""Makes the request of a run from the command line: settings, task, mode, grants, patterns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codex_orchestrator.compose.approver import approver_of
from codex_orchestrator.compose.settings import load_settings
from codex_orchestrator.compose.trusted_base import trusted_library
from codex_orchestrator.model.approval import parse_grant
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.mode import choose_mode
from codex_orchestrator.pipeline.request import Asked, Grants, Resume, RunRequest
from codex_orchestrator.pipeline.resume import ran_here, resume_options
from codex_orchestrator.pipeline.task_file import choose_task
from codex_orchestrator.system.clock import utc_now


@contextmanager
def open_request(asked: Asked, *, repo: str | None, config: str | None) -> Iterator[RunRequest]:
    """Make the request of a run; the folder of its patterns is gone with the context.

    Args:
        asked: what the command line says of the run.
        repo: a folder in the repository; None for the enclosing one.
        config: a configuration file; None for the repository's own.

    Raises:
        InputError: an option, the configuration or the task is wrong, or there is no such run.
        NotCheckedError: a commit that says how we work is missing, or who approves could not be
            checked.
        ApprovalRequiredError: who started the workflow may not approve.
    """
    settings = load_settings(repo, config, flags={"model.name": asked["model"]})
    resume, folder = _resume_of(asked), None
    if resume is not None:
        asked, rules_at, folder = _resume_options(asked, resume, settings.repo)
        flags = {"model.name": asked["model"]}
        settings = load_settings(repo, config, flags=flags, rules_at=rules_at)
    task = choose_task(asked, settings.repo, folder)
    run_id = resume.run_id if resume else ""
    with trusted_library(settings.repo, settings.rules_at) as library:
        yield RunRequest(
            task=task,
            settings=settings,
            mode=choose_mode(task.task, requested=asked["mode"]),
            builder=asked["builder"],
            grants=Grants(
                tuple(parse_grant(one) for one in asked["approve"]),
                # A dry run grants nothing to anybody.
                ""
                if asked["dry_run"]
                else approver_of(asked["approve"], os.environ, repo=settings.repo, run_id=run_id),
            ),
            resume=resume,
            library=library,
            must_apply=asked["must_apply"],
        )


def _resume_of(asked: Asked) -> Resume | None:
    manifest_sha256 = asked["manifest_sha256"]
    if asked["resume"] is not None:
        return Resume(asked["resume"], manifest_sha256 or "", asked["from_artifact"])
    if manifest_sha256 or asked["from_artifact"]:
        field = "--manifest-sha256" if manifest_sha256 else "--from-artifact"
        raise InputError("is about a run to resume", field=field, fix="name it by --resume RUN")
    return None


def _resume_options(asked: Asked, resume: Resume, repo: Path) -> tuple[Asked, str, Path]:
    """Return what is asked of a run to resume, the commit of its rules, and its folder."""
    from codex_orchestrator.compose.records_home import records_home
    from codex_orchestrator.runs.store import FileRunStore
    from codex_orchestrator.workspace.worktree import GitWorkspace

    store = FileRunStore(records_home(repo).folder)
    workspace = GitWorkspace(repo, clock=utc_now, environ=os.environ)
    folder = store.find(resume.run_id)
    manifest = store.load(folder.name)
    is_believed = resume.is_vouched or ran_here(manifest, resume, workspace)
    return *resume_options(asked, manifest, is_believed=is_believed), folder
