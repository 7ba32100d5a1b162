"""Send plan items to Codex Cloud, a few at a time; one thread alone writes what is recorded."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.cloud import CloudSubmission
from codex_orchestrator.model.errors import InputError, NotCheckedError, OrchestratorError
from codex_orchestrator.model.manifest import CloudSubmissionFacts
from codex_orchestrator.model.plan import PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.build.submission import (
    StartingState,
    new_submission,
    recorded_submission,
)
from codex_orchestrator.pipeline.run import Work

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import RunCloud

# Each is a process of its own. More would find the service slower, not the run faster.
_AT_ONCE = 4


class _Order(NamedTuple):
    item: PlanItem
    facts: CloudSubmissionFacts
    prompt: str


class _Note(NamedTuple):
    """What a sender asks to have recorded; it waits until that is done."""

    item_id: str
    facts: CloudSubmissionFacts
    written: Future[None]


def send_items(
    work: Work,
    cloud: "RunCloud",
    items: Sequence[PlanItem],
    *,
    feedback: Mapping[str, str],
    start: StartingState,
) -> list[CloudSubmissionFacts]:
    """Return the submission of each item to wait for: the recorded one, else a new one.

    A submission is recorded before it is sent, and its task as soon as it is known. When one
    fails no more are begun; those under way end first, so that their tasks are known.

    Args:
        work: the run.
        cloud: where they are sent.
        items: what is sent, each of them ready.
        feedback: what is told beside the item, by its id.
        start: the state that all begin from.

    Raises:
        ApprovalRequiredError: an earlier submission may be at the service; a person decides.
        LimitReachedError: the work so far is too large to be sent along.
        NotCheckedError: no branch to start from, not signed in, or no such environment.
        ServiceError: the service failed; what was sent stays recorded.
    """
    found = {item.id: recorded_submission(work, cloud, item) for item in items}
    orders: list[_Order] = []
    for item in items:
        if found[item.id] is None:
            facts, prompt = new_submission(
                work, item, feedback=feedback[item.id], start=start, earlier=len(orders)
            )
            orders.append(_Order(item, facts, prompt))
    # The first goes alone: it may renew the sign-in, and several at once would be in each other's
    # way. It also meets alone whatever is wrong with sign-in or environment.
    for group in (orders[:1], orders[1:]):
        if group:
            found.update(_Sending(work, cloud, start).send(group))
    return [one for item in items if (one := found[item.id]) is not None]


class _Sending:
    """Submissions under way: senders in threads, and a queue of what they want to have recorded."""

    def __init__(self, work: Work, cloud: "RunCloud", start: StartingState) -> None:
        self._work = work
        self._cloud = cloud
        self._start = start
        self._said: SimpleQueue[_Note | None] = SimpleQueue()
        self._sent: dict[str, CloudSubmissionFacts] = {}
        self._failed: list[OrchestratorError] = []

    def send(self, orders: Sequence[_Order]) -> dict[str, CloudSubmissionFacts]:
        """Send all and return their submissions by item."""
        with ThreadPoolExecutor(min(_AT_ONCE, len(orders))) as pool:
            under_way = {pool.submit(self._send, order): order for order in orders}
            for future in under_way:
                future.add_done_callback(lambda _future: self._said.put(None))
            try:
                self._listen(under_way)
            except BaseException as error:
                self._wind_up(under_way, error)
                raise
        if self._failed:
            raise self._failed[0]
        return self._sent

    def _send(self, order: _Order) -> CloudSubmissionFacts:
        """Send one, in a thread: nothing is written here, so all is asked for and waited for."""

        def record(submission: CloudSubmission) -> None:
            facts = order.facts.model_copy(update={"task_id": submission.task_id})
            note = _Note(order.item.id, facts, Future())
            self._said.put(note)
            note.written.result()

        sent = self._cloud.submit(
            order.prompt,
            branch=order.facts.branch,
            number=order.facts.number,
            record=record,
            attempts=order.facts.attempts,
            starting_diff=self._start.patch,
        )
        return order.facts.model_copy(update={"task_id": sent.task_id})

    def _listen(self, under_way: dict[Future[CloudSubmissionFacts], _Order]) -> None:
        """Record what senders say until all have ended; all that waits is one save."""
        while under_way:
            said = [self._said.get()]
            while not self._said.empty():
                said.append(self._said.get())
            self._write([note for note in said if note is not None])
            for future in [one for one in under_way if one.done()]:
                self._end(future, under_way.pop(future))
                if self._failed:
                    _stop(under_way)

    def _write(self, notes: Sequence[_Note]) -> None:
        if not notes:
            return
        try:
            with self._work.record.one_save():
                for note in notes:
                    if not note.facts.task_id:
                        self._work.record.item(note.item_id, ItemState.RUNNING)
                    self._work.record.submission(note.item_id, note.facts)
        except BaseException as error:
            _refuse(notes, error)
            raise
        for note in notes:
            note.written.set_result(None)

    def _end(self, future: Future[CloudSubmissionFacts], order: _Order) -> None:
        if future.cancelled():
            return
        work, item = self._work, order.item
        try:
            facts = future.result()
        except (NotCheckedError, InputError) as error:
            # These say that nothing was sent, so there is nothing to look for on resume.
            work.record.withdraw(item.id, order.facts.number)
            self._failed.append(error)
        except OrchestratorError as error:
            self._failed.append(error)
        else:
            self._sent[item.id] = facts
            work.record.audit(
                "cloud-submitted", item=item.id, number=facts.number, task=facts.task_id
            )
            work.say("build", f"{item.id}: {item.title}: sent to Codex Cloud as {facts.task_id}")

    def _wind_up(
        self, under_way: dict[Future[CloudSubmissionFacts], _Order], error: BaseException
    ) -> None:
        """Let those under way end: recorded after an interrupt, refused when nothing can be."""
        _stop(under_way)
        try:
            if isinstance(error, KeyboardInterrupt):
                self._listen(under_way)
        finally:
            while not all(future.done() for future in under_way):
                note = self._said.get()
                _refuse([note] if note else [], error)


def _stop(under_way: Iterable[Future[CloudSubmissionFacts]]) -> None:
    for future in under_way:
        future.cancel()


def _refuse(notes: Sequence[_Note], error: BaseException) -> None:
    for note in notes:
        note.written.set_exception(error)
