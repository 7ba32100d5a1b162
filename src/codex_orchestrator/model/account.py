"""What the record of a run says in words and numbers: in one place, so that all surfaces agree.

Names and reasons in it may come from strangers: each surface escapes what it shows.
"""

from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import UNCOMMITTED, Manifest
from codex_orchestrator.model.suite_run import cut_names
from codex_orchestrator.model.validation import Validation
from codex_orchestrator.model.verdict import ValidationStatus, Verdict
from codex_orchestrator.text.shown import counted

EXIT_CODE_ONLY = "exit code only"
_CODE = {"work-tree": "code of the work tree", "elsewhere": "code from outside the work tree"}


def counts_of(check: Validation) -> str:
    """Return how many tests a check executed, and where the code came from.

    What of that is new, was known at the base or is flaky says the check's `detail`.
    """
    tests = check.tests
    if tests is None:
        words = [EXIT_CODE_ONLY if check.exit_code is not None else "no result"]
    else:
        ran = f"{counted(tests.executed, 'test')} executed"
        words = [f"{ran}: {tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped"]
    words += [_CODE[check.code]] if check.code else []
    return ", ".join(words)


def setup_of(manifest: Manifest) -> str:
    """Return what the work tree got beyond what git holds; "" for nothing or not known."""
    return manifest.setup.shown if manifest.setup else ""


def baseline_of(manifest: Manifest) -> str:
    """Return what the run was compared with; "" where the record does not say."""
    baseline = manifest.baseline
    if baseline is None:
        return ""
    if baseline.state == "tested":
        return "compared with the checks at the base commit"
    if baseline.state == "off":
        return "not compared with the base: limits.baseline is false"
    return f"not compared with the base, which could not be tested: {baseline.reason}"


def verdict_of(manifest: Manifest) -> str:
    """Return the verdict in words, with what it lacks."""
    verdict = (manifest.verdict or "no verdict").replace("-", " ")
    is_compared = manifest.baseline is None or manifest.baseline.state == "tested"
    parts = [verdict, "" if is_compared else baseline_of(manifest), untouched_in(manifest)]
    return ", ".join(filter(None, parts))


def untouched_in(manifest: Manifest) -> str:
    """Return which checks did not run because the change touches nothing there; "" for none."""
    names = cut_names(manifest.untouched, limit=5)
    return f"not touched: {', '.join(names)}" if names else ""


def uncommitted_in(manifest: Manifest) -> str:
    """Return which changes of the checkout the run did not see; "" for none."""
    noted = (one.detail for one in manifest.guardrails if one.name == UNCOMMITTED)
    return next(noted, "")


def next_step_of(manifest: Manifest) -> str:
    """Return what to do next, in one line."""
    run = manifest.run
    if manifest.verdict is None:
        return f"go on with it: codex-orchestrator run --resume {run.id}"
    if manifest.verdict is Verdict.APPROVED:
        return f"look at the change, then merge it: git merge {run.head_sha[:12]}"
    for check in manifest.validations:
        if check.status is not ValidationStatus.PASSED:
            if check.tests is not None and not (check.tests.executed or check.tests.skipped):
                return f"{check.title}: {check.detail}"
            what = "let it run" if check.status is ValidationStatus.NOT_RUN else "repair"
            log = f" (its output: {check.log_path})" if check.log_path else ""
            alone = f"; run it alone: {check.again}" if check.again else ""
            return f"{what}: {check.failures[0] if check.failures else check.title}{log}{alone}"
    findings = manifest.review.findings if manifest.review else ()
    errors = [one for one in findings if one.severity is Severity.ERROR] or list(findings)
    for one in errors[:1]:
        return f"{one.path or one.rule}: {one.fix or one.message}"
    steps = manifest.notes.follow_up
    return steps[0] if steps else "read the summary, change the task, and run it again"
