"""The stages between the first manifest and the last: plan, build, test, review, repair."""

from collections.abc import Sequence

from codex_orchestrator.model.build import Change
from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import Validation
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.review import ReviewFinding, merge_review
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.verdict import ValidationStatus, Verdict, choose_verdict
from codex_orchestrator.pipeline.build.cloud import build_in_cloud, mend_in_cloud
from codex_orchestrator.pipeline.build.here import build_here
from codex_orchestrator.pipeline.build.merge import conflict_findings
from codex_orchestrator.pipeline.go_on import REPAIR
from codex_orchestrator.pipeline.guardrails import require_granted_change
from codex_orchestrator.pipeline.run import Work
from codex_orchestrator.text.diff import file_patches


def plan_work(work: Work) -> Plan:
    """Ask the planner, unless an earlier attempt has a plan; a plan must hold the task's steps."""
    if work.record.manifest.plan is not None:
        return work.record.manifest.plan
    work.say("plan", "asking the planner")
    plan = work.team.plan(work.task, work.rooms.library.assets)
    planned = [item.step for item in plan.items if item.step is not None]
    if planned != list(work.task.steps):
        raise LimitReachedError(
            "the plan does not hold the task's steps, each once and in order",
            reason="plan-without-steps",
        )
    work.record.write("plan.json", plan.model_dump_json(indent=2).encode() + b"\n", kind="plan")
    work.record.save(plan=plan)
    work.save_usage()
    for item in plan.items:
        work.say("plan", f"{item.id}: {item.title}")
    return plan


def build_items(work: Work, plan: Plan) -> bool:
    """Build the items that are not done yet, each kept when it is done; say whether all are."""
    if work.cloud is not None:
        return build_in_cloud(work, work.cloud, plan)
    return build_here(work, plan)


def run_checks(work: Work) -> tuple[CheckResult, ...]:
    """Run every check for real; the tester then explains what came of it.

    Raises:
        ApprovalRequiredError: the change needs a person's approval; no check was run.
    """
    _require_small(work)
    require_granted_change(work)
    work.round += 1
    left_s = work.spending.stage()
    tested = work.tree.snapshot()
    folder = f"tests/round-{work.round}"
    log_dir = work.record.folder / folder
    results = []
    for command in work.checks:
        work.say("test", f"running {command.name}")
        result = work.rooms.workspace.run_check(
            work.tree.root, command, log_dir=log_dir, deadline_s=left_s()
        )
        report = log_dir / command.junit if command.junit else None
        named = work.rooms.adapters.failures(report) if report else ()
        failures = tuple(work.rooms.redaction.redact(name) for name in named)
        # As it is recorded: where programs lie on this machine is nobody's business.
        known = {"failures": failures, "argv": command.recorded}
        results.append(result.model_copy(update=known))
        work.say("test", f"{command.name}: {result.status}")
    work.record.save(validations=tuple(_validation(result, folder) for result in results))
    _require_bounded(work, results)
    explanation = work.team.explain(work.task, results)
    work.record.note(summary=explanation.summary)
    work.save_usage(tested=tested)
    return tuple(results)


def _require_small(work: Work) -> None:
    """Check that the change is within the task's limits before anything is made of it."""
    limits, change = work.task.limits, work.tree.change()
    lines = change.added_lines + change.removed_lines
    for name, found, most in (
        ("changed_files", len(change.paths), limits.changed_files),
        ("diff_lines", lines, limits.diff_lines),
    ):
        if found > most:
            raise LimitReachedError(
                f"limit of {most} {name.replace('_', ' ')} reached with {found}",
                fix=f"make smaller tasks, or raise limits.{name} in the task",
                reason=f"limits.{name}",
            )


def _require_bounded(work: Work, results: Sequence[CheckResult]) -> None:
    """Check that no check had to be ended for what it printed."""
    for result in results:
        if result.is_flooded:
            raise LimitReachedError(
                f"check {result.name} printed more than {work.task.limits.output_bytes} bytes",
                fix="make it print less, or raise limits.output_bytes in the task",
                reason="limits.output_bytes",
            )


def _validation(result: CheckResult, folder: str) -> Validation:
    return Validation(
        command=result.argv,
        exit_code=result.exit_code,
        status=result.status,
        duration_ms=result.duration_ms,
        log_path=f"{folder}/{result.log_path}" if result.log_path else "",
        failures=result.failures,
        detail=result.detail,
    )


def review_change(work: Work, plan: Plan, results: Sequence[CheckResult]) -> None:
    """Let rules and the reviewer look at the change, and decide the verdict."""
    work.say("review", "asking the reviewer")
    change = work.tree.change()
    review = work.team.review(work.task, plan, change, results)
    found = (*conflict_findings(work.record.manifest), *_rule_findings(work, change))
    review = merge_review(review, found)
    verdict = choose_verdict(
        tuple(result.status for result in results), is_approved=review.decision == "approve"
    )
    work.record.save(review=review, verdict=verdict)
    work.save_usage(reviewed=work.record.manifest.run.tested)
    work.say("review", f"{review.decision}, {len(review.findings)} findings: {verdict}")


def _rule_findings(work: Work, change: Change) -> tuple[Finding, ...]:
    """Return what rules say of the lines that the run added; older lines are not its doing."""
    tampered = _tampered(work)
    if not change.paths:
        return (
            *tampered,
            Finding(
                "run/empty-change",
                Severity.ERROR,
                "",
                0,
                "the run changed nothing",
                "the work may be done already, or the steps' paths match no file",
            ),
        )
    added = {file.path: set(file.added) for file in file_patches(change.patch)}
    linted = work.rooms.library.lint(work.tree.root, list(change.paths))
    # Line 0 is about the whole file, for example that it could not be checked.
    found = [one for one in linted if not one.line or one.line in added.get(one.path, ())]
    if work.rooms.redaction.finds_secret(change.patch.decode("utf-8", "replace")):
        found.append(
            Finding(
                "run/secret-in-change",
                Severity.ERROR,
                "",
                0,
                "the change holds a secret; no branch was made and the patch is masked",
                "take the secret out of the source that it was read from, and change it",
            )
        )
    return (*tampered, *found)


def _tampered(work: Work) -> tuple[Finding, ...]:
    """Find what changed in the repository's git folder while checks and builder were at work."""
    before, now = work.git_settings, work.rooms.workspace.git_settings()
    return tuple(
        Finding(
            "run/git-settings-changed",
            Severity.ERROR,
            f".git/{name}",
            0,
            "changed during the run: git obeys this file, in your checkout too",
            "look at it and take the change back; then find the check or command that made it",
        )
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    )


def repair(work: Work, plan: Plan, results: tuple[CheckResult, ...], *, done: int) -> None:
    """Let the builder mend what was found; a round that changes nothing is the last.

    `done` rounds were finished by an earlier attempt of the run.
    """
    for number in range(done + 1, work.task.limits.repair_rounds + 1):
        review = work.record.manifest.review
        if work.record.manifest.verdict is Verdict.APPROVED or review is None:
            return
        before = work.tree.snapshot()
        item = PlanItem(
            id=f"{REPAIR}{number}",
            title=f"Repair round {number}",
            instructions="Mend what the feedback says; change nothing else.",
        )
        feedback = _feedback(results, review.summary, review.findings)
        work.say("repair", f"round {number} of {work.task.limits.repair_rounds}")
        if not _mend(work, item, feedback) or work.tree.snapshot() == before:
            work.tree.restore(before)
            work.say("repair", "the builder changed nothing")
            return
        work.record.item(item.id, ItemState.DONE, tree=work.tree.snapshot())
        results = run_checks(work)
        review_change(work, plan, results)


def _mend(work: Work, item: PlanItem, feedback: str) -> bool:
    if work.cloud is not None:
        return mend_in_cloud(work, work.cloud, item, feedback=feedback)
    report = work.team.build(work.task, item, feedback=feedback)
    work.save_usage()
    return report.is_done


def _feedback(
    results: Sequence[CheckResult], summary: str, findings: Sequence[ReviewFinding]
) -> str:
    parts = [f"review: {summary}", *(one.model_dump_json() for one in findings)]
    for result in results:
        if result.status is not ValidationStatus.PASSED:
            parts += [f"check {result.name}: {result.status}", result.output_tail]
    return "\n".join(parts)
