"""Events that several items send at once: whole lines, each passed on once."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codex_orchestrator.pipeline.events import EventStream
from codex_orchestrator.text.secrets import Redactor
from support.workspace import clock


def test_events_that_threads_send_at_once_are_whole_lines_in_one_order(tmp_path: Path) -> None:
    passed_on: list[str] = []
    place = tmp_path / "events.jsonl"
    events = EventStream(place, clock=clock, redactor=Redactor(()), also=passed_on.append)
    # Longer than what one call of the system writes for sure.
    text = "x" * 20_000

    def send(number: int) -> None:
        for part in range(20):
            events.send("stage", {"item": f"i{number}", "part": part, "text": text})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, range(8)))
    lines = place.read_text().splitlines()
    assert lines == passed_on
    found = [json.loads(line) for line in lines]
    for number in range(8):
        assert [one["part"] for one in found if one["item"] == f"i{number}"] == list(range(20))
