"""Send plan items to Codex Cloud, a few at a time; each is recorded by the thread that sends it."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.cloud import CloudSubmission
from codex_orchestrator.model.errors import InputError, NotCheckedError, OrchestratorError
from codex_orchestrator.model.plan import CloudSubmissionFacts, PlanItem
from codex_orchestrator.pipeline.build.submission import (
    StartingState,
    new_submission,
    recorded_submission,
)
from codex_orchestrator.pipeline.run import Run

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import CodexCloud

# Each is a separate process. More of them would not make the run faster.
_AT_ONCE = 4


class _NewSubmission(NamedTuple):
    item: PlanItem
    facts: CloudSubmissionFacts
    prompt: str


def send_items(
    run: Run,
    cloud: "CodexCloud",
    items: Sequence[PlanItem],
    *,
    feedback: Mapping[str, str],
    start: StartingState,
) -> list[CloudSubmissionFacts]:
    """Return the submission of each item to wait for: the recorded one, else a new one.

    A submission is recorded before it is sent, and its task as soon as it is known. When one
    fails no more are begun; those under way end first, so that their tasks are known.

    Args:
        run: the run.
        cloud: the client of Codex Cloud.
        items: the items to send, all of them ready.
        feedback: what the builder is told beside each item, by its id.
        start: the snapshot that all start from.

    Raises:
        ApprovalRequiredError: the service may have an earlier submission; a person must decide.
        LimitReachedError: the current work is too large to be sent.
        NotCheckedError: no branch to start from, not signed in, or no such environment.
        ServiceError: the service failed; what was sent stays recorded.
    """
    found = {item.id: recorded_submission(run, cloud, item) for item in items}
    new: list[_NewSubmission] = []
    for item in items:
        if found[item.id] is None:
            facts, prompt = new_submission(
                run, item, feedback=feedback[item.id], start=start, earlier=len(new)
            )
            new.append(_NewSubmission(item, facts, prompt))
    # The first is sent alone: it may renew the sign-in, which several at once must not do. It also
    # detects problems with sign-in or environment.
    for group in (new[:1], new[1:]):
        if group:
            found.update(_Sending(run, cloud, start).send(group))
    return [one for item in items if (one := found[item.id]) is not None]


class _Sending:
    """Submissions under way. Each thread records its own; the rest runs in the main thread."""

    def __init__(self, run: Run, cloud: "CodexCloud", start: StartingState) -> None:
        self._run = run
        self._cloud = cloud
        self._start = start
        self._sent: dict[str, CloudSubmissionFacts] = {}
        self._errors: list[OrchestratorError] = []

    def send(self, group: Sequence[_NewSubmission]) -> dict[str, CloudSubmissionFacts]:
        """Send all and return their submissions by item."""
        with ThreadPoolExecutor(min(_AT_ONCE, len(group))) as threads:
            under_way = {threads.submit(self._send, one): one for one in group}
            try:
                self._end_all(under_way)
            except BaseException as error:
                _cancel(under_way)
                if isinstance(error, KeyboardInterrupt):
                    # Those under way end first, so that their tasks are known.
                    self._end_all(under_way)
                raise
        if self._errors:
            raise self._errors[0]
        return self._sent

    def _send(self, new: _NewSubmission) -> CloudSubmissionFacts:
        """Send one; runs in a thread."""

        def record(submission: CloudSubmission) -> None:
            facts = new.facts.with_task(submission.task_id)
            if submission.task_id:
                self._run.record.submitted(new.item.id, facts)
            else:
                self._run.record.sending(new.item.id, facts)

        sent = self._cloud.submit(
            new.prompt,
            branch=new.facts.branch,
            number=new.facts.number,
            record=record,
            attempts=new.facts.attempts,
            starting_diff=self._start.patch,
        )
        return new.facts.with_task(sent.task_id)

    def _end_all(self, under_way: dict[Future[CloudSubmissionFacts], _NewSubmission]) -> None:
        """Wait until all have ended; when one fails, no more are begun."""
        for future in as_completed(tuple(under_way)):
            new = under_way.pop(future)
            if not future.cancelled():
                self._end(future, new)
            if self._errors:
                _cancel(under_way)

    def _end(self, future: Future[CloudSubmissionFacts], new: _NewSubmission) -> None:
        run, item = self._run, new.item
        try:
            facts = future.result()
        except (NotCheckedError, InputError) as error:
            # After these errors nothing was sent, so a resumed run must not look for a task.
            run.record.withdrawn(item.id, new.facts.number)
            self._errors.append(error)
        except OrchestratorError as error:
            self._errors.append(error)
        else:
            self._sent[item.id] = facts
            run.record.audit(
                "cloud-submitted", item=item.id, number=facts.number, task=facts.task_id
            )
            run.say("build", f"{item.id}: {item.title}: sent to Codex Cloud as {facts.task_id}")


def _cancel(under_way: Iterable[Future[CloudSubmissionFacts]]) -> None:
    for future in under_way:
        future.cancel()
