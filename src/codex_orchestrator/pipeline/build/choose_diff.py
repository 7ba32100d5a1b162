"""Choose among the changes of one item: what fits, is allowed, and passes our own checks."""

from collections.abc import Sequence
from typing import NamedTuple

from codex_orchestrator.model.approval import protected_change
from codex_orchestrator.model.cloud import CloudDiff
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.manifest import CloudSubmissionFacts
from codex_orchestrator.model.plan import PlanItem
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.pipeline.checks import choose_checks
from codex_orchestrator.pipeline.run import Work


class ChosenDiff(NamedTuple):
    """The change to merge. `problem` says why none can be; then `diff` is the first one."""

    diff: CloudDiff
    problem: str = ""


class _Candidate(NamedTuple):
    diff: CloudDiff
    tree: str
    paths: tuple[str, ...]


def choose_diff(
    work: Work, item: PlanItem, facts: CloudSubmissionFacts, diffs: Sequence[CloudDiff]
) -> ChosenDiff:
    """Return the first change that fits what it was asked for and passes the run's checks.

    When none passes it is the first that fits: the run's checks and its repair go on from there.
    With one that fits there is nothing to choose, and the run's own checks judge it.

    Raises:
        ApprovalRequiredError: all that fit change protected paths.
    """
    fits, problems = [], []
    for diff in diffs:
        fitted = work.tree.fit(diff.data, onto=facts.base)
        problem = fitted.problem or _refusal(work, fitted.paths)
        if problem:
            problems.append(f"attempt {diff.attempt}: {problem}")
        else:
            fits.append(_Candidate(diff, fitted.tree, fitted.paths))
    if not fits:
        return ChosenDiff(diffs[0], "; ".join(problems)[:1000])
    allowed = [one for one in fits if not _protected(work, one.paths)]
    if not allowed:
        _ask(item, fits[0], _protected(work, fits[0].paths))
    if len(allowed) > 1:
        for one in allowed:
            if _passes(work, item, facts, one):
                return ChosenDiff(one.diff)
    return ChosenDiff(allowed[0].diff)


def _refusal(work: Work, paths: Sequence[str]) -> str:
    if not paths:
        return "it changes nothing"
    secret = next((path for path in paths if work.policy.secret_rule(path)), "")
    return f"{secret} is a file for secrets" if secret else ""


def _protected(work: Work, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if work.policy.protecting_rule(path)]


def _ask(item: PlanItem, candidate: _Candidate, paths: Sequence[str]) -> None:
    told = f"Codex Cloud changed protected paths for item {item.id}"
    raise protected_change(told, paths, patch=candidate.diff.data)


def _passes(work: Work, item: PlanItem, facts: CloudSubmissionFacts, candidate: _Candidate) -> bool:
    """Run the run's checks on one candidate, in a work tree of its own."""
    rooms, run = work.rooms, work.record.manifest.run
    attempt = candidate.diff.attempt
    place = f"{run.id}.{facts.number}-{attempt}"
    log_dir = work.record.folder / "tests" / f"submission-{facts.number}" / f"attempt-{attempt}"
    with rooms.workspace.open(place, base_sha=run.base_sha) as tree:
        tree.restore(candidate.tree)
        try:
            # Asked again: what tools a check needs may lie in the work tree.
            adapter, commands = rooms.adapters.commands(
                tree.root, wanted=work.task.adapter, checks=work.task.checks
            )
            checks = choose_checks(work.request, commands, adapter=adapter)
        except InputError as error:
            work.say("build", f"{item.id}: attempt {attempt} cannot be checked: {error.message}")
            return False
        for command in checks:
            result = rooms.workspace.run_check(
                tree.root, command, log_dir=log_dir, deadline_s=work.spending.remaining_s()
            )
            work.say("build", f"{item.id}: attempt {attempt}: {command.name} {result.status}")
            if result.status is not ValidationStatus.PASSED:
                return False
    return True
