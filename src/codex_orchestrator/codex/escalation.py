"""Codex's requests to leave the sandbox, and whether a person has granted them."""

import os
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from codex_orchestrator.model.approval import ApprovalKind, parse_grant
from codex_orchestrator.model.codex_call import Escalation
from codex_orchestrator.text.globs import matching_glob

# Characters that a shell interprets. A command that holds one is more than one plain command.
_SHELL_CHARACTERS = frozenset(";&|<>()$`\\\n{}*?[]#~!")
_SHELLS = frozenset({"bash", "sh", "zsh"})
_NEVER_EDITED = (".git/**", "**/.git/**", "**/.codex/**", "**/.agents/**")


class Grants(NamedTuple):
    """What a person approved for this run: `run:ARGV0` and `edit:PATH` entries."""

    entries: tuple[tuple[ApprovalKind, str], ...] = ()

    def allow(self, escalation: Escalation, *, paths: Sequence[str], command: str) -> bool:
        """Say whether an approval covers the whole of a request.

        A granted command runs outside the sandbox, so it must be one plain command: its first
        word is the approved one and no character in it means anything to a shell. Network access
        is never granted here: Codex can only open all hosts at once.

        Args:
            escalation: what is asked for.
            paths: of an edit, all paths relative to the work tree.
            command: of a run, the command as Codex gave it.
        """
        if not escalation.can_be_approved:
            return False
        if escalation.kind is ApprovalKind.RUN:
            argv = plain_argv(command)
            return bool(argv) and (ApprovalKind.RUN, argv[0]) in self.entries
        globs = [value for kind, value in self.entries if kind is ApprovalKind.EDIT]
        return _may_ever_edit(paths) and all(matching_glob(path, globs) for path in paths)


def parse_grants(approvals: Sequence[str]) -> Grants:
    """Parse what a person approved, `KIND:VALUE` each.

    Raises:
        InputError: one of them has another form.
    """
    return Grants(tuple(parse_grant(entry) for entry in approvals))


def _may_ever_edit(paths: Sequence[str]) -> bool:
    return bool(paths) and not any(
        path.startswith("/") or matching_glob(path, _NEVER_EDITED) for path in paths
    )


def plain_argv(command: str) -> tuple[str, ...]:
    """Return the words of a command that no shell needs to interpret; () when one would.

    `/bin/bash -c 'touch a.txt'` is `touch a.txt`; with `&&`, `$x` or `*` in it, it is ().
    """
    try:
        words = shlex.split(command)
        if len(words) == 3 and os.path.basename(words[0]) in _SHELLS and words[1] in {"-c", "-lc"}:
            inner = words[2]
            words = shlex.split(inner)
        else:
            inner = command
    except ValueError:
        return ()
    if not words or _SHELL_CHARACTERS & set(inner) or "=" in words[0]:
        return ()
    return tuple(words)


def parse_request(
    method: str, params: dict[str, Any], *, paths: Sequence[str] = ()
) -> Escalation | None:
    """Read one of Codex's requests; None when it asks for nothing that a person could grant.

    Args:
        method: the request's name, `item/commandExecution/requestApproval` for example.
        params: what it carries.
        paths: the files of the change that it is about, relative to the work tree.
    """
    if not method.endswith(("requestApproval", "Approval")):
        return None
    reason, command = str(params.get("reason") or ""), str(params.get("command") or "")
    network = params.get("networkApprovalContext")
    if isinstance(network, dict) or "permissions" in method:
        host = str((network or {}).get("host") or "*")
        detail = command or str(params.get("permissions") or "")
        return Escalation(ApprovalKind.NETWORK, host, reason, detail, can_be_approved=False)
    if "fileChange" in method or method == "applyPatchApproval":
        value, detail = paths[0] if paths else "*", ", ".join(paths)
        can_be = _may_ever_edit(paths)
        return Escalation(ApprovalKind.EDIT, value, reason, detail, can_be_approved=can_be)
    argv = plain_argv(command)
    value = argv[0] if argv else command or "*"
    return Escalation(ApprovalKind.RUN, value, reason, command, can_be_approved=bool(argv))


def relative_path(path: str, root: str) -> str:
    """Return a path relative to the work tree with forward slashes; as it is when outside."""
    inside = PurePosixPath(path)
    return str(inside.relative_to(root)) if inside.is_relative_to(root) else path
