"""Check the finished change once more before its code is run: whatever made it, a rule holds."""

from codex_orchestrator.model.errors import ApprovalRequiredError
from codex_orchestrator.model.escalation import escaped
from codex_orchestrator.pipeline.work import Work


def require_granted_change(work: Work) -> None:
    """Check that a person granted every protected path of the change.

    Raises:
        ApprovalRequiredError: names the paths; nothing of the change was run.
    """
    change = work.tree.change()
    paths = tuple(path for path in change.paths if work.policy.protecting_rule(path))
    if paths:
        raise ApprovalRequiredError(
            f"the change touches protected paths: {', '.join(map(escaped, paths))}",
            wanted=tuple(f"edit:{path}" for path in paths),
            patch=change.patch,
        )
