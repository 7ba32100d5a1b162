"""What the agents' guardrails check, for one work tree of a run."""

from typing import TYPE_CHECKING

from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.policy import Policy, Rails
from codex_orchestrator.pipeline.run_rooms import RunRequest, RunRooms

if TYPE_CHECKING:
    from codex_orchestrator.workspace.tree import GitWorkTree


def rails_of(
    request: RunRequest, rooms: RunRooms, tree: "GitWorkTree", policy: Policy, *, base_sha: str
) -> Rails:
    """Return what the agents' guardrails check for this run."""

    def spec() -> str:
        found = rooms.guard.check_task(request.task, base_sha=base_sha, as_of=rooms.clock()[:10])
        return "; ".join(one.message for one in found if one.severity is Severity.ERROR)

    def protected() -> tuple[str, ...]:
        return tuple(path for path in tree.change().paths if policy.protecting_rule(path))

    def secrets(text: str) -> str:
        return "the answer holds a secret" if rooms.redaction.finds_secret(text) else ""

    return Rails(spec, protected, secrets)
