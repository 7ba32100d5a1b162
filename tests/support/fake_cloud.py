"""Codex Cloud in memory: it takes tasks, and they end as a test says."""

from collections.abc import Callable, Sequence

from codex_orchestrator.model.cloud import CloudDiff, CloudState, CloudSubmission, CloudTask


class FakeCloud:
    """A service whose tasks are all in one state and have the same diffs."""

    version = "0.0.0"

    def __init__(self, state: CloudState = "ready", *diffs: str) -> None:
        self.state = state
        self._diffs = tuple(CloudDiff(n, text.encode()) for n, text in enumerate(diffs, start=1))
        self.sent: list[int] = []
        self.deadlines: list[float] = []

    def send(self, number: int) -> None:
        """Take a task; what this raises is what the service answers."""
        self.sent.append(number)

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
        record(CloudSubmission(number))
        self.send(number)
        submission = CloudSubmission(number, f"task_{number}")
        record(submission)
        return submission

    def find_lost(self, number: int) -> CloudSubmission | None:
        return None

    def watch(self, task_ids: Sequence[str], *, deadline_s: float) -> tuple[CloudTask, ...]:
        self.deadlines.append(deadline_s)
        return tuple(CloudTask(id_, self.state, "") for id_ in task_ids)

    def diffs(self, task_id: str, *, attempts: int) -> tuple[CloudDiff, ...]:
        return self._diffs[:attempts]
