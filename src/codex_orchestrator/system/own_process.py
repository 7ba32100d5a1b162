"""Our own process while foreign code runs below it: what it shows, and what it still has to load.

Checks, steps and builders run as the same user. They may read `/proc/PID/environ` of our process,
which is the block of variables that it was *started* with, whatever was removed since; they may
read its memory; and they may rewrite a module that it has not imported yet. So such a process
starts itself again without its variables, closes its memory, and imports everything first.
"""

import ctypes
import importlib
import os
import pkgutil
import sys
from collections.abc import Mapping

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.names import HANDED_OVER, search_path
from codex_orchestrator.text.secret_names import is_secret_name

_OURS = __name__.partition(".")[0]
_SET_DUMPABLE = 4
_ROOM = 1 << 16
# What the loader, the C library and the interpreter read before our first line runs.
_SHOWN = frozenset(
    [
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "VIRTUAL_ENV"),
    ]
)
_SHOWN_KINDS = ("LC_", "PYTHON")


def close_own_process(*, needs_secrets: bool) -> bool:
    """Go on in a process whose variables and memory other processes of the user cannot read.

    The process is replaced by a new one with the same arguments, working folder and open files;
    the new one finds its variables in `os.environ` as before. Variables that name secrets are gone
    from it unless they are needed. PATH has absolute entries only.

    Returns:
        Whether others are kept out; False where the system cannot do it, as on macOS. Who may
        trace every process, as root usually may, is never kept out. It does not hold for programs
        that this process starts.

    Raises:
        InputError: the descriptor that should hold the variables does not.
    """
    given = os.environ.pop(HANDED_OVER, None)
    is_hidden = given is not None or _start_again()
    is_closed = _close_memory()
    if given is not None:
        for name, value in _received(given).items():
            if needs_secrets or not is_secret_name(name):
                os.environ[name] = value
    os.environ["PATH"] = search_path(os.environ)
    return is_hidden and is_closed


def hand_over(environ: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Split an environment for a process of ours that calls `close_own_process`.

    Returns:
        What it is started with, and the descriptor, inheritable, that holds the rest. The caller
        closes it.

    Raises:
        OSError: the rest is larger than this system can hand over.
    """
    shown, rest = {}, []
    for name, value in environ.items():
        is_shown = name in _SHOWN or name.startswith(_SHOWN_KINDS)
        if is_shown and not is_secret_name(name):
            shown[name] = value
        else:
            rest.append(os.fsencode(f"{name}={value}"))
    descriptor = _holding(b"\0".join(rest))
    return shown | {"PATH": search_path(environ), HANDED_OVER: str(descriptor)}, descriptor


def import_first(*names: str) -> None:
    """Import modules before foreign code can change them; of our own packages all that is in them.

    What needs a package that is not installed is left out: it could not be imported later either.
    """
    for name in names:
        module = _imported(name)
        if name.startswith(f"{_OURS}."):
            for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
                _imported(found.name)


def _imported(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(_OURS):
            raise
        return None


def _start_again() -> bool:
    """Replace this process; returns only where that is not possible."""
    if os.name != "posix" or not sys.executable:
        return False
    try:
        shown, _ = hand_over(os.environ)
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], shown)  # noqa: S606
    except OSError:
        return False


def _holding(data: bytes) -> int:
    """Return an inheritable descriptor, none of the standard ones, from which data can be read."""
    import fcntl

    own = _in_memory_file(data)
    if own is None:
        own = _in_socket(data)
    try:
        # Above the standard streams: a closed one would become this file.
        return fcntl.fcntl(own, fcntl.F_DUPFD, 3)
    finally:
        os.close(own)


def _in_memory_file(data: bytes) -> int | None:
    """Return a descriptor of a file in memory; None where the system has none."""
    try:
        descriptor = os.memfd_create("variables")
    except (AttributeError, OSError):
        return None
    with open(descriptor, "wb", closefd=False) as stream:
        stream.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _in_socket(data: bytes) -> int:
    import socket

    reader, writer = socket.socketpair()
    with writer:
        writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(data) + _ROOM)
        writer.setblocking(False)  # noqa: FBT003 - the standard library's order
        if writer.send(data) < len(data):
            reader.close()
            raise OSError("the variables are larger than a socket can hold")
    return reader.detach()


def _received(given: str) -> dict[str, str]:
    try:
        with open(int(given), "rb") as stream:
            entries = stream.read().split(b"\0")
        return dict(os.fsdecode(entry).split("=", 1) for entry in entries if entry)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"is {given!r}, which is no descriptor with variables",
            field=HANDED_OVER,
            fix="unset it: only processes of this program set it",
        ) from error


def _close_memory() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        answer: int = ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return answer == 0
