"""A check: one command of an adapter or of the task, and its result."""

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.task import MAX_OUTPUT_BYTES, Limits
from codex_orchestrator.model.verdict import ValidationStatus

LOG_DIR = "{log_dir}"
"""Placeholder for the run's log folder in a command's arguments.

Replaced when the command is run.
"""


class CheckCommand(Document):
    """One command to run in a work tree, without a shell.

    `junit` is the file, relative to the run's log folder, for the command's JUnit report, or "". In
    `argv` the text `{log_dir}` stands for the run's log folder; the absolute path is inserted when
    the command is run. `shown` is the command as it appears in records, without absolute paths; it
    is empty when `argv` has none. `env` has variables to set in addition to the allowed ones.
    `timeout_s` is in seconds; a command that prints more than `max_output_bytes` is ended.
    """

    name: str
    argv: tuple[str, ...]
    timeout_s: int = 600
    max_output_bytes: int = Field(default=MAX_OUTPUT_BYTES, ge=1)
    junit: str = ""
    shown: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()

    @property
    def recorded(self) -> tuple[str, ...]:
        """The command as it appears in manifests and comments."""
        return self.shown or self.argv

    def within(self, limits: Limits) -> "CheckCommand":
        """Return the command with no more time and output than a task allows."""
        timeout_s = min(self.timeout_s, limits.check_seconds)
        changes = {"timeout_s": timeout_s, "max_output_bytes": limits.output_bytes}
        return self.model_copy(update=changes)


class CheckResult(Document):
    """What one check did. `failures` names failing tests, as far as a report tells.

    `is_flooded` says that it was ended because it printed more than it may.
    """

    name: str
    argv: tuple[str, ...]
    status: ValidationStatus
    exit_code: int | None
    duration_ms: int
    log_path: str
    output_tail: str = ""
    failures: tuple[str, ...] = ()
    is_flooded: bool = False
    detail: str = ""

    def recorded(self, argv: tuple[str, ...], failures: tuple[str, ...]) -> "CheckResult":
        """Return the result as it may be shown: the recorded command, and the failing tests."""
        return self.model_copy(update={"argv": argv, "failures": failures})
