"""What builds the items of a plan: this machine, or Codex Cloud."""

from typing import TYPE_CHECKING, Protocol

from codex_orchestrator.model.plan import Plan, PlanItem

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import CodexCloud
    from codex_orchestrator.pipeline.run import Run


class Builder(Protocol):
    """Builds in the work tree of one run, and records what becomes of each item."""

    def build(self, plan: Plan) -> bool:
        """Build the items that are not done yet as a graph; say whether all are done.

        What an earlier attempt has merged is in the work tree first. When items fail, why is
        recorded, and the run has failed.

        Raises:
            ApprovalRequiredError: a person must grant something first; names all of it.
            LimitReachedError: a bound of the run was reached.
            ServiceError: a model or another service failed; resume.
        """

    def repair(self, item: PlanItem, feedback: str) -> bool:
        """Repair what the feedback says; say whether the change stands in the work tree.

        Raises:
            ApprovalRequiredError, LimitReachedError, ServiceError: as `build`.
        """


def make_builder(run: "Run", cloud: "CodexCloud | None") -> Builder:
    """Return the builder of a run: Codex Cloud where the run has signed in to it."""
    if cloud is not None:
        from codex_orchestrator.pipeline.build.cloud import CloudBuilder

        return CloudBuilder(run, cloud)
    from codex_orchestrator.pipeline.build.here import LocalBuilder

    return LocalBuilder(run)
