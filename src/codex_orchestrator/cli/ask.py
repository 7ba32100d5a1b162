"""Ask the person at the terminal for an approval. Everything except a yes is a no."""

import contextlib
import os
import sys
from collections.abc import Mapping

from codex_orchestrator.cli.console import say
from codex_orchestrator.model.approval import ApprovalKind, Question, grant_command
from codex_orchestrator.system.environment import is_ci
from codex_orchestrator.text.diff import file_patches
from codex_orchestrator.text.globs import name_of
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.verbs.check_approver import local_user

_MOST_LINES = 400
_PROMPT = "grant it for this run? [y/N/d = details] "


def can_ask(environment: Mapping[str, str]) -> bool:
    """Return whether a person can be asked: stdin and stderr are terminals, and this is not CI."""
    if is_ci(environment):
        return False
    return os.isatty(0) and os.isatty(2) and _is_in_front()


def _is_in_front() -> bool:
    """Return whether this process may read from the terminal; a background job would be stopped."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return True  # a terminal without job control


def ask(question: Question) -> bool:
    """Show what is asked for and return whether the person grants it.

    Only `y` or `yes`, typed after the question was shown, grants it. The end of input is a no.
    """
    if not _is_in_front():
        return False
    wanted = f"{question.kind}:{question.value}"
    where = f", item {one_line(question.item)}" if question.item else ""
    say("")
    say(f"approval needed: task {one_line(question.task_id)}{where}")
    say(f"  what  {one_line(wanted)}")
    say(f"  why   {one_line(question.reason, limit=600)}")
    say(f"  means {_meaning(question)}")
    while True:
        answer = _answer()
        if answer in ("y", "yes"):
            return True
        if answer not in ("d", "details"):
            return False
        _show_details(question, wanted)


def agrees(prompt: str) -> bool:
    """Ask a question; only `y` or `yes` is a yes."""
    return _answer(prompt) in ("y", "yes")


def _answer(prompt: str = _PROMPT) -> str:
    """Return what the person types, in lower case; "" at the end of input."""
    _forget_typed()
    sys.stderr.write(prompt)
    sys.stderr.flush()
    try:
        line = sys.stdin.buffer.readline() or b""
    except OSError:
        line = b""  # the terminal was closed
    if not line.endswith(b"\n"):
        say("")
    return line.decode("utf-8", "replace").strip().lower() if line.endswith(b"\n") else ""


def _forget_typed() -> None:
    """Discard what was typed or pasted before the question was shown."""
    import termios

    with contextlib.suppress(termios.error, OSError):
        termios.tcflush(0, termios.TCIFLUSH)


def _meaning(question: Question) -> str:
    if question.kind is ApprovalKind.EDIT:
        return (
            "every edit of that file, of all in that folder, or of what the glob matches, until "
            "the run ends"
        )
    if question.kind is ApprovalKind.RUN:
        return (
            "this command, also with more arguments, as often as the agents want until the run "
            f"ends; outside of any sandbox, with the rights of {local_user()} and its network"
        )
    if question.kind is ApprovalKind.SECRET:
        return (
            "the commands of set-up get the value of this variable in each work tree of the run; "
            "checks and agents do not"
        )
    if question.kind is ApprovalKind.TESTS:
        return "the change may remove, skip or weaken what this names, until the run ends"
    if "/" in question.value:
        return "it is sent to Codex Cloud again; if the first one arrived, there will be two"
    return "the task, the plan and the work so far leave this machine"


def _show_details(question: Question, wanted: str) -> None:
    say(f"  run   {one_line(question.run_id)}")
    say(f"  whole {one_line(wanted, limit=None)}")
    lines = _part_of(question) if question.kind is ApprovalKind.EDIT else []
    for line in lines[:_MOST_LINES]:
        say(f"  | {one_line(line, limit=500)}")
    if len(lines) > _MOST_LINES:
        say(f"  … {len(lines) - _MOST_LINES} more lines")
    if question.kind is ApprovalKind.EDIT and not lines:
        say("  the current change has no file with that name: the edit is not made yet")
    say(f"  later {one_line(grant_command(question.run_id, (wanted,)), limit=5000)}")


def _part_of(question: Question) -> list[str]:
    """Return the lines of the patch for the file of the question, with tabs unchanged."""
    name = name_of(question.value)
    about = [
        file.text for file in file_patches(question.patch) if name in (file.old_path, file.path)
    ]
    lines = b"\n".join(about).decode("utf-8", "replace").split("\n") if about else []
    return [line.expandtabs(4) for line in lines]
