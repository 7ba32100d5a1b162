"""Choose among the changes of one item: it must apply, be allowed, and pass our own checks."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from codex_orchestrator.model.approval import protected_change
from codex_orchestrator.model.cloud import CloudDiff
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.plan import CloudSubmissionFacts, PlanItem
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.pipeline.run import Run, open_tree
from codex_orchestrator.pipeline.touched import needed_checks


class ChosenDiff(NamedTuple):
    """The change to merge.

    If none can be merged, `problem` says why and `diff` is the first one.
    """

    diff: CloudDiff
    problem: str = ""


class _Candidate(NamedTuple):
    diff: CloudDiff
    tree: str
    paths: tuple[str, ...]


def choose_diff(
    run: Run, item: PlanItem, facts: CloudSubmissionFacts, diffs: Sequence[CloudDiff]
) -> ChosenDiff:
    """Return the first change that fits what it was asked for and passes the run's checks.

    When none passes it is the first that fits: the run's checks and its repair go on from there.
    With one that fits there is nothing to choose, and the run's own checks judge it.

    Raises:
        ApprovalRequiredError: all that apply change protected paths.
    """
    fits, problems = [], []
    for diff in diffs:
        fitted = run.tree.fit(diff.data, onto=facts.base)
        problem = fitted.problem or _refusal(run, fitted.paths)
        if problem:
            problems.append(f"attempt {diff.attempt}: {problem}")
        else:
            fits.append(_Candidate(diff, fitted.tree, fitted.paths))
    if not fits:
        return ChosenDiff(diffs[0], "; ".join(problems)[:1000])
    allowed = [one for one in fits if not _protected(run, one.paths)]
    if not allowed:
        reason = f"Codex Cloud changed protected paths for item {item.id}"
        paths = _protected(run, fits[0].paths)
        raise protected_change(reason, paths, patch=fits[0].diff.data)
    if len(allowed) > 1:
        for one in allowed:
            if _passes(run, item, facts, one):
                return ChosenDiff(one.diff)
    return ChosenDiff(allowed[0].diff)


def _refusal(run: Run, paths: Sequence[str]) -> str:
    if not paths:
        return "it changes nothing"
    secret = next((path for path in paths if run.policy.secret_rule(path)), "")
    return f"{secret} is a file for secrets" if secret else ""


def _protected(run: Run, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if run.policy.protecting_rule(path)]


def _passes(run: Run, item: PlanItem, facts: CloudSubmissionFacts, candidate: _Candidate) -> bool:
    """Run the run's checks on one candidate, in its own work tree."""
    attempt, started = candidate.diff.attempt, run.record.manifest.run
    place = f"{started.id}.{facts.number}-{attempt}"
    log_dir = run.record.folder / "tests" / f"submission-{facts.number}" / f"attempt-{attempt}"
    with ExitStack() as stack:
        tree = open_tree(
            *(run.request, run.services, place),
            base_sha=started.base_sha,
            log_dir=log_dir / "setup",
            state=candidate.tree,
        )
        try:
            work = stack.enter_context(tree)
        except InputError as error:
            run.say("build", f"{item.id}: attempt {attempt} cannot be checked: {error.message}")
            return False
        for command in needed_checks(work.checks, candidate.paths):
            result = run.services.rooms.workspace.run_check(
                work.tree.root, command, log_dir=log_dir, deadline_s=run.spending.remaining_s()
            )
            run.say("build", f"{item.id}: attempt {attempt}: {command.name} {result.status}")
            if result.status is not ValidationStatus.PASSED:
                return False
    return True
