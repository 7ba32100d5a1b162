"""The states of a run and of its items, and what the models were asked for."""

from enum import StrEnum

from pydantic import Field

from codex_orchestrator.model.document import Document


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


class ItemState(StrEnum):
    """The state of a plan item. A built item is done in its own work tree and not merged yet."""

    PLANNED = "planned"
    RUNNING = "running"
    BUILT = "built"
    DONE = "done"
    FAILED = "failed"


class RoleUsage(Document):
    """What one role asked one model for; several rows of a role add up.

    `cached_tokens` are those of the input tokens that the server had cached; they and the cost, in
    millionths of a US dollar, are None where they are not known.
    """

    role: str
    model: str
    requests: int = Field(default=0, ge=0)
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cached_tokens: int | None = Field(default=None, ge=0)
    cost_micro_usd: int | None = Field(default=None, ge=0)


class Usage(Document):
    """What the models were asked for.

    `turns` counts the requests that the four agents made; `requests` also those that Codex made
    within its own turns, and the tokens are of all of them. `cached_tokens` and `cost_micro_usd`
    are as in `RoleUsage`: None, not 0, where any part of them is not known.
    """

    turns: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = Field(default=None, ge=0)
    cost_micro_usd: int | None = Field(default=None, ge=0)
    by_role: tuple[RoleUsage, ...] = ()

    def __add__(self, more: "Usage") -> "Usage":
        return Usage(
            turns=self.turns + more.turns,
            requests=self.requests + more.requests,
            input_tokens=self.input_tokens + more.input_tokens,
            output_tokens=self.output_tokens + more.output_tokens,
            cached_tokens=_sum(self.cached_tokens, more.cached_tokens),
            cost_micro_usd=_sum(self.cost_micro_usd, more.cost_micro_usd),
            by_role=(*self.by_role, *more.by_role),
        )

    @property
    def without_debts(self) -> "Usage":
        """The same usage with 0 in place of negative counts, which would raise the limits."""
        counts = {name: max(0, count) for name, count in self if isinstance(count, int)}
        return self.model_copy(update=counts)


def _sum(some: int | None, more: int | None) -> int | None:
    return None if some is None or more is None else some + more
