"""Which machine this is: its name, the start of its kernel, and the container that we are in."""

import os
import re
import socket
from pathlib import Path
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = "/proc/self/ns/pid"


class Machine(NamedTuple):
    """What tells machines apart.

    `boot_id` is the kernel's own, new at each start, the same in all containers of a machine.
    `pid_namespace` says within what process numbers are counted: containers of one machine differ
    in it. Both are "" where the system does not tell.
    """

    host: str
    boot_id: str
    pid_namespace: str


def this_machine() -> Machine:
    """Return the facts about the machine and the container that this process runs in."""
    return Machine(socket.gethostname(), _boot_id(), _pid_namespace())


def _boot_id() -> str:
    try:
        text = _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeError):
        return ""
    return text if re.fullmatch(r"[0-9a-f-]{36}", text) else ""


def _pid_namespace() -> str:
    try:
        return os.readlink(_PID_NAMESPACE)
    except OSError:
        return ""
