"""Trouble: one tree of exceptions, each with the exit code it ends the command with.

A verdict is data and never an exception. Standard library only: the hook imports this.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; the table in README is the contract."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    NOT_CHECKED = 3
    SERVICE = 4
    LOCKED = 5
    APPROVAL = 6
    BUG = 70
    INTERRUPTED = 130


class OrchestratorError(Exception):
    """An error that ends a command. `fix` tells the user what to do.

    `run_id` is the run that it stopped and that can be resumed, "" for none. `wanted` is what a
    person must grant before, `KIND:VALUE` each; all of it is needed to go on.
    """

    exit_code = ExitCode.BUG
    run_id = ""
    wanted: tuple[str, ...] = ()

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class InputError(OrchestratorError):
    """A usage, configuration or input file error. Names file, line and field where there is one.

    `problem` is the message without the place.
    """

    exit_code = ExitCode.USAGE

    def __init__(
        self, message: str, *, fix: str = "", path: str = "", line: int = 0, field: str = ""
    ) -> None:
        place = path + (f":{line}" if path and line else "")
        parts = [part for part in (place, field, message) if part]
        super().__init__(": ".join(parts), fix=fix)
        self.problem = ": ".join(part for part in (field, message) if part)
        self.path = path
        self.line = line
        self.field = field


class NotCheckedError(OrchestratorError):
    """History, a permission, a credential or a prerequisite is missing, so nothing was decided."""

    exit_code = ExitCode.NOT_CHECKED


class MissingExtraError(NotCheckedError):
    """An optional dependency is not installed; `system.installed.missing_extra` makes one."""

    def __init__(self, extra: str, *, needed_for: str, fix: str) -> None:
        super().__init__(f"{needed_for} needs the extra [{extra}], which is not installed", fix=fix)


class ServiceError(OrchestratorError):
    """An outside service failed after all retries. The work is kept."""

    exit_code = ExitCode.SERVICE


class ConflictError(OrchestratorError):
    """A catalog has different bytes under the same name. Nothing was overwritten."""

    exit_code = ExitCode.FINDINGS


class LockedError(OrchestratorError):
    """Another run holds the lock. The message names holder, host, pid and since when."""

    exit_code = ExitCode.LOCKED


class ApprovalRequiredError(OrchestratorError):
    """The run waits for a person. The message names what is asked.

    `patch` is the change that was made already, for a person to look at.
    """

    exit_code = ExitCode.APPROVAL

    def __init__(
        self, message: str, *, fix: str = "", wanted: tuple[str, ...] = (), patch: bytes = b""
    ) -> None:
        super().__init__(message, fix=fix)
        self.wanted = wanted
        self.patch = patch


TOO_MANY_BYTES = "changed-bytes"
"""Reason: the change is too large to be recorded."""
WORK_TREE_GONE = "work-tree-gone"
"""Reason: a command removed the run's work tree."""
LEAKED = "secret-in-output"
"""Reason: an agent's answer or the change holds a secret."""
UNRECORDABLE = "unrecordable-work"
"""Reason.

Git cannot record the change, for example because of a repository inside the work tree.
"""


class LimitReachedError(OrchestratorError):
    """A bound of the run was reached, or a model broke its contract twice: the run has failed.

    `reason` names what stopped it in one word, such as `limits.tokens`; records keep it.
    """

    exit_code = ExitCode.FINDINGS

    def __init__(self, message: str, *, fix: str = "", reason: str) -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


class InterruptedRunError(OrchestratorError):
    """A person or the system interrupted the run; it can be resumed."""

    exit_code = ExitCode.INTERRUPTED
