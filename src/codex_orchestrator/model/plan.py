"""The plan that the planner makes for a task: a graph of items, in order; where each stands."""

from graphlib import CycleError, TopologicalSorter

from pydantic import Field, model_validator

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.task import Identifier, InsidePath, OneLine, Step


class PlanItem(Document):
    """One piece of the plan, small enough to build and test at once.

    `step` is the task's step that the item carries out, when it has one.
    """

    id: Identifier
    title: OneLine
    instructions: str
    depends_on: tuple[Identifier, ...] = ()
    requires_cloud: bool = False
    paths: tuple[InsidePath, ...] = ()
    step: Step | None = None


class Plan(Document):
    """Items in order; an item comes after all items that it depends on."""

    summary: str
    items: tuple[PlanItem, ...] = Field(min_length=1, max_length=100)
    risks: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> "Plan":
        after = {item.id: item.depends_on for item in self.items}
        pairs = [(item.id, name) for item in self.items for name in item.depends_on]
        order = [item.id for item in self.items]
        for item_id in order:
            if order.count(item_id) > 1:
                raise ValueError(f"item id {item_id!r} appears twice")
        for item_id, name in pairs:
            if name not in after:
                raise ValueError(
                    f"item {item_id!r} depends on {name!r}, which is no item; there are "
                    + ", ".join(order)
                )
        try:
            TopologicalSorter(after).prepare()
        except CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            raise ValueError(f"items depend on each other in a circle: {circle}") from error
        for item_id, name in pairs:
            if order.index(name) > order.index(item_id):
                raise ValueError(
                    f"item {item_id!r} depends on {name!r}, which stands after it; "
                    "an item stands after all that it depends on"
                )
        return self


class CloudSubmissionFacts(Document):
    """One submission to Codex Cloud. Written before it is sent, and again with its task.

    `task_id` is "" while nobody knows whether the service has it. `branch` is what the service
    started from, `base` the git tree object that the change was asked for, `attempts` how many
    solutions. `problem` says why nothing came of it, or that its change did not fit.
    """

    number: int = Field(ge=1)
    task_id: str = ""
    attempts: int = Field(default=1, ge=1, le=4)
    branch: str
    base: str
    problem: str = ""

    def with_task(self, task_id: str) -> "CloudSubmissionFacts":
        """Return the submission with the task that the service made of it."""
        return self.model_copy(update={"task_id": task_id})

    def with_problem(self, problem: str) -> "CloudSubmissionFacts":
        """Return the submission with why its change is not used."""
        return self.model_copy(update={"problem": problem})


class MergeConflict(Document):
    """A change that did not fit the work it was to be merged with, and why.

    The change is the difference between two git tree objects, from `base` to `tree`; `tree` is ""
    for a change that came from elsewhere.
    """

    problem: str
    base: str
    tree: str = ""


class ManifestItem(Document):
    """One plan item and where it stands.

    `tree` is the git tree object that held the work when the item was done; of an item in state
    built it holds that item's work alone. `base` is the one that an item started from that was
    built beside others; "" for one built on the work so far.
    """

    id: Identifier
    state: ItemState
    attempt: int
    tree: str = ""
    base: str = ""
    conflicts: tuple[MergeConflict, ...] = ()
    artifacts: tuple[InsidePath, ...] = ()
    submissions: tuple[CloudSubmissionFacts, ...] = ()

    def in_state(self, state: ItemState, *, tree: str = "") -> "ManifestItem":
        """Return the item in another state; one that is begun counts one attempt more."""
        attempt = max(self.attempt + (state is ItemState.RUNNING), 1)
        changes = {"state": state, "attempt": attempt, "tree": tree or self.tree}
        return self.model_copy(update=changes)

    def with_submission(self, facts: CloudSubmissionFacts) -> "ManifestItem":
        """Return the item with a submission; one of the same number is replaced."""
        kept = self.without_submission(facts.number).submissions
        return self.model_copy(update={"submissions": (*kept, facts)})

    def without_submission(self, number: int) -> "ManifestItem":
        """Return the item without the submission of a number."""
        kept = tuple(one for one in self.submissions if one.number != number)
        return self.model_copy(update={"submissions": kept})

    def without_submissions(self) -> "ManifestItem":
        """Return the item as if nothing had been submitted for it."""
        return self.model_copy(update={"submissions": ()})

    def with_conflict(
        self, conflict: MergeConflict, submission: CloudSubmissionFacts | None = None
    ) -> "ManifestItem":
        """Return the item as one that is to be made again, because its change did not fit.

        `submission` is the one that the change came from, None for none.
        """
        item = self if submission is None else self.with_submission(submission)
        changes = {
            "state": ItemState.PLANNED,
            "tree": "",
            "base": "",
            "conflicts": (*self.conflicts, conflict),
        }
        return item.model_copy(update=changes)
