"""Events of a run as JSON lines: what happened, in order, while it happens."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.system.durable import append_line

if TYPE_CHECKING:
    from codex_orchestrator.text.secrets import Redactor


SCHEMA = "run-event.v2"
"""The schema of a line; in version 1 lines did not name it."""


@dataclass(frozen=True)
class EventStream:
    """Appends events to the run's `events.jsonl` and passes each line on; thread-safe."""

    path: Path
    clock: Callable[[], str]
    redactor: "Redactor"
    also: Callable[[str], None]
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def send(self, kind: str, facts: Mapping[str, str | int | bool]) -> None:
        """Write one event, secrets masked, and flush it.

        Raises:
            InputError: something else stands in the file's place.
            ServiceError: the disk is full or broken.
        """
        masked = {
            key: self.redactor.redact(value) if isinstance(value, str) else value
            for key, value in facts.items()
        }
        with self._lock:
            document = {"schema": SCHEMA, "at": self.clock(), "event": kind, **masked}
            line = json.dumps(document, ensure_ascii=False)
            append_line(self.path, line)
            self.also(line)
