"""The stages around the builder: plan, test, review, repair.

Where a run is resumed, what an earlier attempt tested and reviewed still holds.
"""

import os
from collections.abc import Iterator, Sequence

from codex_orchestrator.model.build import Change
from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.review import ReviewFinding, merge_review
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.verdict import ValidationStatus, Verdict, choose_verdict
from codex_orchestrator.pipeline.builder import Builder
from codex_orchestrator.pipeline.checks import restore_facts, run_checks
from codex_orchestrator.pipeline.guardrails import (
    guard_findings,
    ref_findings,
)
from codex_orchestrator.pipeline.run import Run
from codex_orchestrator.system.files import opened
from codex_orchestrator.text.shown import visible

REPAIR = "repair-"
_TAIL_BYTES = 4000
MAX_LEFT_BEHIND = 20


def plan_work(run: Run) -> Plan:
    """Ask the planner, unless an earlier attempt has a plan.

    A plan must contain the task's steps.
    """
    if run.record.manifest.plan is not None:
        return run.record.manifest.plan
    run.say("plan", "asking the planner")
    plan = run.team.plan(run.task, run.services.rooms.library.assets)
    planned = [item.step for item in plan.items if item.step is not None]
    if planned != list(run.task.steps):
        raise LimitReachedError(
            "the plan does not hold the task's steps, each once and in order",
            reason="plan-without-steps",
        )
    run.record.planned(plan)
    run.save_usage()
    for item in plan.items:
        run.say("plan", f"{item.id}: {item.title}")
    return plan


def earlier_results(run: Run) -> tuple[CheckResult, ...]:
    """Return the results of an earlier attempt for the work as it is now; () to run the checks."""
    facts = run.record.manifest
    if not facts.run.tested or facts.run.tested != run.tree.snapshot():
        return ()
    from codex_orchestrator.pipeline.touched import needed_checks

    needed = needed_checks(run.checks, run.tree.change().paths)
    if not {one.name for one in needed} <= {known.name for known in facts.validations}:
        return ()
    if not (is_reviewed(run) or restore_facts(run, facts.run.tested)):
        return ()
    run.round = _round_of(facts.validations[-1].log_path) if facts.validations else 0
    run.say("test", "done before")
    return tuple(
        known.as_result(output_tail=_tail(run, known.log_path)) for known in facts.validations
    )


def _round_of(log_path: str) -> int:
    folder = log_path.split("/")[1] if log_path.count("/") > 1 else ""
    number = folder.removeprefix("round-")
    return int(number) if number.isdecimal() else 1


def _tail(run: Run, log_path: str) -> str:
    if not log_path:
        return ""
    try:
        with opened(run.record.folder / log_path) as descriptor:
            start = max(0, os.fstat(descriptor).st_size - _TAIL_BYTES)
            data = os.pread(descriptor, _TAIL_BYTES, start)
    except FileNotFoundError:
        return ""
    return visible(data.decode("utf-8", "replace").removeprefix("\ufffd"))


def review_change(run: Run, plan: Plan, results: Sequence[CheckResult]) -> None:
    """Have the change checked by rules and by the reviewer, and decide the verdict."""
    run.say("review", "asking the reviewer")
    change = run.tree.change()
    review = run.team.review(run.task, plan, change, results)
    review = merge_review(review, _rule_findings(run, change))
    verdict = choose_verdict(
        tuple(result.status for result in results), is_approved=review.decision == "approve"
    )
    run.record.reviewed(review, verdict)
    run.save_usage(reviewed=run.record.manifest.run.tested)
    run.say("review", f"{review.decision}, {len(review.findings)} findings: {verdict}")


def _rule_findings(run: Run, change: Change) -> tuple[Finding, ...]:
    """Return what rules find in the lines that the run added; older lines do not count."""
    from codex_orchestrator.pipeline.build.merge import conflict_findings
    from codex_orchestrator.pipeline.test_changes import find_test_changes
    from codex_orchestrator.text.diff import file_patches

    found = [*conflict_findings(run.record.manifest), *_changed_git_settings(run)]
    found += ref_findings(run)
    found += guard_findings(run)
    found += _left_behind(run)
    found += find_test_changes(run)
    if not change.paths:
        fix = "the work may be done already, or the steps' paths match no file"
        return (*found, _error("run/empty-change", "the run changed nothing", fix))
    added = {file.path: set(file.added) for file in file_patches(change.patch)}
    linted = run.services.rooms.library.lint(run.tree.root, list(change.paths))
    # Line 0 means the whole file, for example one that could not be checked.
    found += [one for one in linted if not one.line or one.line in added.get(one.path, ())]
    return tuple(found)


def _left_behind(run: Run) -> Iterator[Finding]:
    """Find files that the work made and the branch will not hold, and those that checks changed."""
    fix = "name it in .gitignore with a `!`, or make it by a check"
    for name in run.hidden[:MAX_LEFT_BEHIND]:
        message = "git ignores this, so the checks ran without it and the branch does not hold it"
        if name.endswith("/"):
            message = "the checks used this, which the task installed; the branch does not hold it"
        yield Finding("run/ignored-file", Severity.WARNING, name, 0, message, fix)
    fix = "let the check write elsewhere, or take the file out of git"
    for name, check in list(run.rewritten.items())[:MAX_LEFT_BEHIND]:
        message = f"the check {check} changed this file; that was taken back and is not delivered"
        yield Finding("run/check-changed-file", Severity.WARNING, name, 0, message, fix)


def _changed_git_settings(run: Run) -> Iterator[Finding]:
    """Find what changed in the repository's git folder while checks and builder were at work."""
    before, now = run.git_settings, run.services.rooms.workspace.git_settings()
    message = "changed during the run: git obeys this file, in your checkout too"
    fix = "look at it and take the change back; then find the check or command that made it"
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield _error("run/git-settings-changed", message, fix, path=f".git/{name}")


def _error(rule: str, message: str, fix: str, *, path: str = "") -> Finding:
    return Finding(rule, Severity.ERROR, path, 0, message, fix)


def is_reviewed(run: Run) -> bool:
    """Say whether the verdict is about the work as it was tested last."""
    facts = run.record.manifest.run
    return bool(facts.reviewed) and facts.reviewed == facts.tested


def repair(
    run: Run, builder: Builder, plan: Plan, results: tuple[CheckResult, ...], *, done: int
) -> None:
    """Let the builder repair what was found; a round that changes nothing is the last.

    `done` rounds were finished by an earlier attempt of the run.
    """
    for number in range(done + 1, run.task.limits.repair_rounds + 1):
        review = run.record.manifest.review
        if run.record.manifest.verdict is Verdict.APPROVED or review is None:
            return
        before = run.tree.snapshot()
        item = PlanItem(
            id=f"{REPAIR}{number}",
            title=f"Repair round {number}",
            instructions="Repair what the feedback says; change nothing else.",
        )
        feedback = _feedback(results, review.summary, review.findings)
        run.say("repair", f"round {number} of {run.task.limits.repair_rounds}")
        if not builder.repair(item, feedback) or run.tree.snapshot() == before:
            run.tree.restore(before)
            run.say("repair", "the builder changed nothing")
            return
        run.record.item(item.id, ItemState.DONE, tree=run.tree.snapshot())
        results = run_checks(run)
        review_change(run, plan, results)


def restore_repairs(run: Run) -> int:
    """Bring back the work of finished repair rounds; return how many there were."""
    rounds = [
        item
        for item in run.record.manifest.items
        if item.state is ItemState.DONE and item.id.startswith(REPAIR)
    ]
    if rounds:
        run.tree.restore(rounds[-1].tree)
        run.say("repair", f"{rounds[-1].id}: done before")
    return len(rounds)


def _feedback(
    results: Sequence[CheckResult], summary: str, findings: Sequence[ReviewFinding]
) -> str:
    parts = [f"review: {summary}", *(one.model_dump_json() for one in findings)]
    for result in results:
        if result.status is not ValidationStatus.PASSED:
            parts += [f"check {result.name}: {result.status}", result.output_tail]
    return "\n".join(parts)
