"""What a person is asked to grant: the question, the command that answers it, and safe words."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from codex_orchestrator.model.approval import ApprovalKind, edit_of
from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    LimitReachedError,
    OrchestratorError,
)
from codex_orchestrator.text.names import is_invisible


class Question(NamedTuple):
    """One escalation as a person is asked about it. All text may come from a model.

    `reason` says who asks and which rule forbids it; `item` is the plan item at work, "" for none;
    `patch` is the change that was made already, b"" for none.
    """

    kind: ApprovalKind
    value: str
    reason: str
    task_id: str
    run_id: str
    item: str = ""
    patch: bytes = b""


def grant_command(run_id: str, wanted: Sequence[str]) -> str:
    """Return the shell command that grants escalations, `KIND:VALUE` each, and goes on."""
    words = ["codex-orchestrator", "run", "--resume", run_id]
    for one in wanted:
        words += ["--approve", one]
    return shlex.join(words)


def protected_change(told: str, paths: Sequence[str], *, patch: bytes = b"") -> OrchestratorError:
    """Return what stops a run whose change touches protected paths.

    A name that does not show as it is cannot be granted: whoever reads it, or a list that holds
    it, sees another one, or several. Then the run has failed.
    """
    said = f"{told}: {', '.join(map(escaped, paths))}"
    if not all(_shows(char) for path in paths for char in path):
        return LimitReachedError(
            said,
            fix="nobody can grant a name with characters that do not show: let the file be named "
            "otherwise",
            reason="protected-paths",
        )
    return ApprovalRequiredError(said, wanted=tuple(map(edit_of, paths)), patch=patch)


def escaped(text: str, *, limit: int = 300) -> str:
    r"""Return text as one line in which every character shows; what is too long is cut visibly.

    Line ends, controls, bidirectional and invisible characters become escapes such as `\u202e`.
    """
    if len(text) > limit:
        tail = limit // 3
        cut = len(text) - limit
        return f"{escaped(text[: limit - tail])}[… {cut} characters …]{escaped(text[-tail:])}"
    return "".join(char if _shows(char) else _escape(char) for char in text)


def _shows(char: str) -> bool:
    return char.isprintable() and not is_invisible(char)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
