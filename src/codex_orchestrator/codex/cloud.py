"""Codex Cloud: submit once, poll with growing pauses, and hand over diffs as bytes."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from codex_orchestrator.codex.cloud_cli import (
    CloudCli,
    parse_list,
    parse_status,
    parse_submission,
    service_error,
)
from codex_orchestrator.model.cloud import CloudDiff, CloudState, CloudSubmission, CloudTask
from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.system.clock import jitter

MOST_ATTEMPTS = 4
_PAGE = 20
_MOST_PAGES = 50
_NO_SUCH_ATTEMPT = re.compile(r"Attempt \d+ not available; only (\d+) attempt")
_STATES: dict[str, CloudState] = {
    "pending": "pending",
    "ready": "ready",
    "applied": "ready",
    "error": "failed",
}


class Polling(NamedTuple):
    """How to poll: the pauses in seconds, which double from the first to the longest.

    `jitter` returns a factor; `sleep` waits, and returns True to stop waiting.
    """

    first_delay_s: float = 1.0
    longest_delay_s: float = 30.0
    jitter: Callable[[], float] = jitter
    sleep: Callable[[float], bool | None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


POLLING = Polling()


class CodexCloud:
    """Tasks of one run in a Codex Cloud environment. Nothing here touches a work tree.

    `label` is unique to the run: with the number of a submission it makes the marker at the head
    of the prompt.
    """

    def __init__(self, cli: CloudCli, *, environment: str, label: str) -> None:
        if not environment:
            raise InputError(
                "no Codex Cloud environment is named",
                field="codex.environment",
                fix="set it to an id or label that `codex cloud` lists",
            )
        self._cli = cli
        self.version = cli.version
        self._environment = environment
        self._label = label

    def marker(self, number: int) -> str:
        """Return the text that the prompt of a submission begins with."""
        return f"[{self._label} #{number}]"

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
        """Send a task, once, and return the submission with the task's id.

        Args:
            prompt: what to do; it goes over stdin, never into an argument.
            branch: branch of the repository that the environment starts from.
            number: the caller's number of this submission.
            record: keeps a submission durably; called before sending and after.
            attempts: how many solutions to ask for, 1 to 4.
            starting_diff: change to apply before the work starts.

        Raises:
            NotCheckedError: not signed in, or no such environment. Nothing was sent.
            ServiceError: the service failed; it may have taken the task all the same.
        """
        if not 1 <= attempts <= MOST_ATTEMPTS:
            raise InputError(f"{attempts} attempts; Codex Cloud makes 1 to {MOST_ATTEMPTS}")
        record(CloudSubmission(number))
        extra = {"CODEX_STARTING_DIFF": starting_diff.decode()} if starting_diff else {}
        output = self._cli.run(
            *("exec", "--env", self._environment, "--branch", branch),
            *("--attempts", str(attempts), "-"),
            stdin=f"{self.marker(number)}\n{prompt}".encode(),
            extra=extra,
        )
        submission = CloudSubmission(number, parse_submission(output))
        record(submission)
        return submission

    def find_lost(self, number: int) -> CloudSubmission | None:
        """Look for a submission that was recorded without a task; None when none is found.

        The service may show another title, so None is no proof that there is none.
        """
        for task in self._listed():
            if self.marker(number) in task.title:
                return CloudSubmission(number, task.id)
        return None

    def status(self, task_id: str) -> CloudTask:
        """Ask for one task.

        Raises:
            NotCheckedError: the service does not know it.
            ServiceError: the service failed.
        """
        state, title = parse_status(self._cli.run("status", task_id))
        return CloudTask(task_id, _state(state), title)

    def watch(
        self, task_ids: Sequence[str], *, deadline_s: float, polling: Polling = POLLING
    ) -> tuple[CloudTask, ...]:
        """Poll until every task is ready or failed, or the deadline, in seconds, has come.

        One request covers all tasks: the list in pages of twenty, then by id what it leaves out.
        A request that fails is repeated with the next one.

        Returns:
            The tasks in the order of `task_ids`; one that is still `pending` was not finished.

        Raises:
            ServiceError: no request succeeded before the deadline.
        """
        known: dict[str, CloudTask] = {}
        end = polling.monotonic() + deadline_s
        delay_s = polling.first_delay_s
        failure: ServiceError | None = None
        waiting = list(task_ids)
        while waiting:
            try:
                for task in self._look(waiting):
                    known[task.id] = task
            except ServiceError as error:
                failure = error
            waiting = [id_ for id_ in waiting if id_ not in known or known[id_].state == "pending"]
            if not waiting:
                break
            pause_s = min(delay_s * polling.jitter(), polling.longest_delay_s)
            if polling.monotonic() + pause_s > end or polling.sleep(pause_s):
                break
            delay_s = min(delay_s * 2, polling.longest_delay_s)
        if failure is not None and not known:
            raise failure
        return tuple(known.get(id_, CloudTask(id_, "pending", "")) for id_ in task_ids)

    def diffs(self, task_id: str, *, attempts: int = MOST_ATTEMPTS) -> tuple[CloudDiff, ...]:
        """Fetch the change of every attempt, in order; an attempt without a change is left out.

        `attempts` is how many were asked for, where that is known.

        Raises:
            ServiceError: the service failed.
        """
        found = []
        for attempt in range(1, attempts + 1):
            output = self._cli.run("diff", task_id, "--attempt", str(attempt))
            if output.exit_code:
                if _NO_SUCH_ATTEMPT.search(output.stderr):
                    break
                if "No diff available" in output.stderr:
                    continue
                raise service_error("diff", output)
            if output.stdout.strip():
                found.append(CloudDiff(attempt, output.stdout))
        return tuple(found)

    def _look(self, task_ids: Sequence[str]) -> Iterable[CloudTask]:
        missing = set(task_ids)
        if len(missing) > 1:
            for task in self._listed():
                if task.id in missing:
                    missing.discard(task.id)
                    yield task
                if not missing:
                    return
        for task_id in (id_ for id_ in task_ids if id_ in missing):
            yield self.status(task_id)

    def _listed(self) -> Iterable[CloudTask]:
        cursor = ""
        for _ in range(_MOST_PAGES):
            more = ["--cursor", cursor] if cursor else []
            tasks, cursor = parse_list(
                self._cli.run("list", "--json", "--limit", str(_PAGE), *more)
            )
            for task in tasks:
                title = str(task.get("title") or "")
                yield CloudTask(str(task["id"]), _state(str(task["status"])), title)
            if not cursor:
                return


def _state(name: str) -> CloudState:
    # An unknown state is not final: the deadline bounds the wait for it.
    return _STATES.get(name, "pending")
