"""Checks in the record of a run."""

from typing import Literal

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.task import InsidePath
from codex_orchestrator.model.verdict import ValidationStatus


class Validation(Document):
    """The result of a check.

    `duration_ms` is in milliseconds; `log_path` is "" when it could not start.
    """

    command: tuple[str, ...]
    exit_code: int | None
    status: ValidationStatus
    duration_ms: int
    log_path: InsidePath | Literal[""]
    failures: tuple[str, ...] = ()
    detail: str = ""
