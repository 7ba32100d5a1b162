"""The record of checks: of the work, of the base, and of what was made for them."""

from typing import Literal

from codex_orchestrator.model.check import CheckResult, CheckTests
from codex_orchestrator.model.confinement import SandboxFacts
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.pattern import Sha256
from codex_orchestrator.model.suite_run import CodeOrigin
from codex_orchestrator.model.task import InsidePath
from codex_orchestrator.model.verdict import ValidationStatus

_RECORDED = (
    *("exit_code", "status", "duration_ms", "failures", "detail", "tests", "code", "sandbox"),
)
"""What a result and its record say in the same words."""


SETUP_LOGS = "tests/setup"
"""Where the logs of set-up are in a run's folder."""


class Validation(Document):
    """The record of a check.

    `name` is the check's, "" in older records. `duration_ms` is in milliseconds; `log_path` is ""
    when it could not start. `tests` is None where nothing but the exit code is known. `code` says
    where the project's code was loaded from, None where that was not measured. `sandbox` is what
    was in force, None where that is not known. `again` is a line for a shell that runs the first
    failing test alone, "" where there is none.
    """

    name: str = ""
    command: tuple[str, ...]
    exit_code: int | None
    status: ValidationStatus
    duration_ms: int
    log_path: InsidePath | Literal[""]
    failures: tuple[str, ...] = ()
    detail: str = ""
    tests: CheckTests | None = None
    code: CodeOrigin | None = None
    sandbox: SandboxFacts | None = None
    again: str = ""

    @classmethod
    def of(cls, result: CheckResult, folder: str, *, again: str = "") -> "Validation":
        """Return the record of a result; its log is in a folder of the run folder."""
        facts = {field: getattr(result, field) for field in _RECORDED}
        log_path = f"{folder}/{result.log_path}" if result.log_path else ""
        return cls(**facts, name=result.name, command=result.argv, log_path=log_path, again=again)

    @property
    def title(self) -> str:
        """The command, and before it which of several projects it checks."""
        command = " ".join(self.command)
        return f"{self.name}: {command}" if {"@", ":"} & set(self.name) else command

    @property
    def shown_sandbox(self) -> str:
        """What was in force while the check ran, in words."""
        if self.sandbox is None:
            return "sandbox not recorded"
        layers = ", ".join(self.sandbox.layers) or "no sandbox"
        return f"{layers}; network {self.sandbox.network}"

    def as_result(self, *, output_tail: str) -> CheckResult:
        """Return the result that was recorded; the record has no output."""
        facts = {field: getattr(self, field) for field in (*_RECORDED, "log_path")}
        return CheckResult(**facts, name=self.name, argv=self.command, output_tail=output_tail)


class Setup(Document):
    """What was made in the work tree before its checks ran, beyond what git holds.

    `key` is the hash that its result is cached by, None when it is not cached; `is_cached` says
    that this run took it from there. `linked` and `copied` are paths of the checkout, `submodules`
    those that were filled from its objects. `reason` says why commands ran again, `interpreter`
    which Python the checks use and why, "" where they use none.
    """

    key: Sha256 | None = None
    is_cached: bool = False
    commands: tuple[Validation, ...] = ()
    linked: tuple[InsidePath, ...] = ()
    copied: tuple[InsidePath, ...] = ()
    submodules: tuple[InsidePath, ...] = ()
    reason: str = ""
    interpreter: str = ""

    @property
    def shown(self) -> str:
        """What was made and used, in words; "" for nothing."""
        commands = ", ".join(" ".join(check.command) for check in self.commands)
        why = f" ({self.reason})" if self.reason else ""
        kept = "what its commands made in an earlier run" if self.is_cached else ""
        parts = [
            f"submodules {', '.join(self.submodules)}" if self.submodules else "",
            f"{', '.join(self.linked)} of the checkout" if self.linked else "",
            f"copies of {', '.join(self.copied)}" if self.copied else "",
            kept or (f"{commands}{why}" if commands else ""),
            self.interpreter,
        ]
        return "; ".join(filter(None, parts))


class Baseline(Document):
    """What the checks said of the base commit, before anything was changed.

    `off` was asked for; a base that is `untestable` could not be checked, and `reason` says why.
    `key` is the hash that the results are cached by, None when they are not cached.
    """

    state: Literal["tested", "untestable", "off"]
    reason: str = ""
    tree: str = ""
    key: Sha256 | None = None
    is_cached: bool = False
    validations: tuple[Validation, ...] = ()


class PromisedTest(Document):
    """A test that has to go from red to green, and its result; None where it did not run."""

    name: str
    at_base: Literal["passed", "failed", "skipped"] | None = None
    at_head: Literal["passed", "failed", "skipped"] | None = None
