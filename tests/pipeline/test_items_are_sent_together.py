"""Several items are sent at once: recorded before, and what fails or is interrupted is not lost."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from codex_orchestrator.model.errors import NotCheckedError, ServiceError
from codex_orchestrator.model.plan import CloudSubmissionFacts, PlanItem
from codex_orchestrator.pipeline.build.send import send_items
from codex_orchestrator.pipeline.build.submission import starting_state
from codex_orchestrator.pipeline.run import Run
from support.fake_cloud import FakeCloud

ITEMS = [PlanItem(id=f"i{n}", title=f"Item {n}", instructions=f"DO-i{n}.") for n in range(1, 7)]


class ManyAtOnce(FakeCloud):
    """A service that says of each task what the manifest on the disk held when it was sent."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._lock = threading.Lock()
        self.recorded_before: dict[int, bool] = {}
        self.troubles: dict[int, BaseException] = {}
        self.at_work = 0
        self.most_at_work = 0
        self.meeting: threading.Barrier | None = None
        self.on_sending: Callable[[int], None] = lambda _number: None

    def on_disk(self) -> dict[int, CloudSubmissionFacts]:
        manifest = self._run.services.evidence.store.load(self._run.record.manifest.run.id)
        return {one.number: one for item in manifest.items for one in item.submissions}

    def send(self, number: int) -> None:
        with self._lock:
            self.recorded_before[number] = number in self.on_disk()
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        if self.meeting is not None and number > 1:
            self.meeting.wait(30)
        self.on_sending(number)
        try:
            if number in self.troubles:
                raise self.troubles[number]
        finally:
            with self._lock:
                self.at_work -= 1


def send(run: Run, cloud: ManyAtOnce, items: Sequence[PlanItem] = ITEMS) -> list[Any]:
    feedback = {item.id: "" for item in items}
    return send_items(run, cloud, items, feedback=feedback, start=starting_state(run))


def test_each_is_recorded_before_it_is_sent_and_with_its_task_after(run: Run) -> None:
    cloud = ManyAtOnce(run)
    sent = send(run, cloud)
    assert [one.number for one in sent] == [1, 2, 3, 4, 5, 6]
    assert cloud.recorded_before == dict.fromkeys(range(1, 7), True)
    assert {number: one.task_id for number, one in cloud.on_disk().items()} == {
        number: f"task_{number}" for number in range(1, 7)
    }


def test_the_first_goes_alone_and_no_more_than_four_go_at_once(run: Run) -> None:
    cloud = ManyAtOnce(run)
    # The four that follow the first meet, or this would not end.
    cloud.meeting = threading.Barrier(4)
    send(run, cloud, ITEMS[:5])
    assert cloud.most_at_work == 4


def test_a_failure_of_the_service_stops_those_not_begun_and_keeps_those_under_way(
    run: Run,
) -> None:
    cloud = ManyAtOnce(run)
    cloud.troubles[1] = ServiceError("no answer")
    with pytest.raises(ServiceError, match="no answer"):
        send(run, cloud)
    assert list(cloud.on_disk()) == [1], "what may have been sent stays recorded"
    assert cloud.on_disk()[1].task_id == ""


def test_what_is_known_not_to_have_been_sent_is_taken_back(run: Run) -> None:
    cloud = ManyAtOnce(run)
    cloud.meeting = threading.Barrier(4)
    cloud.troubles[3] = NotCheckedError("not signed in")
    with pytest.raises(NotCheckedError, match="not signed in"):
        send(run, cloud, ITEMS[:5])
    kept = {number: one.task_id for number, one in cloud.on_disk().items()}
    assert kept == {1: "task_1", 2: "task_2", 4: "task_4", 5: "task_5"}


def test_an_interrupt_begins_no_more_and_records_the_tasks_of_those_under_way(run: Run) -> None:
    cloud = ManyAtOnce(run)
    cloud.meeting = threading.Barrier(4)
    cloud.troubles[2] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        send(run, cloud, ITEMS[:5])
    kept = {number: one.task_id for number, one in cloud.on_disk().items()}
    assert kept == {1: "task_1", 2: "", 3: "task_3", 4: "task_4", 5: "task_5"}


def test_on_a_full_disk_nothing_is_sent_that_is_not_recorded(run: Run, disk: Any) -> None:
    cloud = ManyAtOnce(run)

    def fill(number: int) -> None:
        disk.is_full = number == 1

    cloud.on_sending = fill
    with pytest.raises(ServiceError, match="disk full"):
        send(run, cloud)
    assert list(cloud.recorded_before) == [1]
    disk.is_full = False
    assert cloud.on_disk()[1].task_id == "", "it is looked for when the run goes on"


def test_what_was_sent_is_not_sent_again(run: Run) -> None:
    cloud = ManyAtOnce(run)
    send(run, cloud, ITEMS[:3])
    again = send(run, cloud)
    assert [one.number for one in again] == [1, 2, 3, 4, 5, 6]
    assert sorted(cloud.recorded_before) == [1, 2, 3, 4, 5, 6]
