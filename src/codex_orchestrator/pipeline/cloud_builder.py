"""The port to Codex Cloud, for runs in cloud mode."""

from collections.abc import Callable, Sequence
from typing import Protocol

from codex_orchestrator.model.cloud import CloudDiff, CloudSubmission, CloudTask


class CloudBuilder(Protocol):
    """Codex Cloud, signed in for one run. It hands over changes and touches no file."""

    @property
    def version(self) -> str:
        """Version of the Codex whose `cloud` command is used."""
        ...

    def submit(
        self,
        prompt: str,
        *,
        branch: str,
        number: int,
        record: Callable[[CloudSubmission], None],
        attempts: int = 1,
        starting_diff: bytes = b"",
    ) -> CloudSubmission:
        """Send a task once; `record` is called before, and after with the task's id."""
        ...

    def find_lost(self, number: int) -> CloudSubmission | None:
        """Look for a submission recorded without a task; None is no proof that there is none."""
        ...

    def watch(self, task_ids: Sequence[str], *, deadline_s: float) -> tuple[CloudTask, ...]:
        """Wait until every task is ready or failed; one still pending has met the deadline."""
        ...

    def diffs(self, task_id: str, *, attempts: int) -> tuple[CloudDiff, ...]:
        """Fetch the change of each attempt that has one, in order."""
        ...
