"""Run one command and end every process that it leaves, even one that hides from its group.

A script of its own, which `process.py` starts with `python -I -S`. It imports the standard library
only, so that it starts within ten milliseconds. On Linux it becomes the
"child subreaper": a process that the command orphans (a daemon, a double fork, a new session)
becomes a child of this one, so that all of them can be found and ended. Elsewhere only the
command's process group is ended, and the report says so.

stdin is a lifeline: when it closes, because the caller says so or is dead, all are ended.
Usage: reaper.py STATUS_FD GRACE_MS ARGV…; the report goes to STATUS_FD as lines `fact=number`.
"""

import ctypes
import os
import select
import signal
import sys
import time

_SET_CHILD_SUBREAPER = 36
_KILL_FOR_S = 5.0
_FAILED_TO_START = 127


def main() -> None:
    """Run the command, wait until it or the caller ends, and end every process that it left."""
    status_fd, grace_s, argv = int(sys.argv[1]), int(sys.argv[2]) / 1000, sys.argv[3:]
    os.set_inheritable(status_fd, False)  # noqa: FBT003 - the standard library's order
    reaches_all = _become_subreaper()
    wake, waker = os.pipe()
    for end in (wake, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    command, errno = _start(argv)
    if errno:
        _report(status_fd, errno=errno)
        return
    _report(status_fd, pid=command)
    status = _wait(command, wake)
    left = len(_alive(reaches_all=reaches_all)) if status is not None else 0
    status, survivors = _end_all(command, status, grace_s, reaches_all=reaches_all)
    _report(status_fd, left=left, survivors=survivors, reaches_all=reaches_all)
    if status is not None:
        _report(status_fd, exit=os.waitstatus_to_exitcode(status))


def _become_subreaper() -> bool:
    if not sys.platform.startswith("linux") or not os.path.isdir("/proc/self"):
        return False
    try:
        answer: int = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return answer == 0


def _start(argv: list[str]) -> tuple[int, int]:
    """Start the command in its own session; return its pid and 0, or 0 and the errno."""
    errno_reader, errno_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.execvp(argv[0], argv)  # noqa: S606 - without a shell is the point
        except OSError as error:
            os.write(errno_writer, str(error.errno).encode())
        finally:
            os._exit(_FAILED_TO_START)
    os.close(errno_writer)
    errno = os.read(errno_reader, 16)
    os.close(errno_reader)
    if errno:
        os.waitpid(pid, 0)
        return 0, int(errno)
    return pid, 0


def _wait(command: int, wake: int) -> int | None:
    """Return the command's wait status, or None when the caller wants it ended."""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            numbers = os.read(wake, 4096)
            if set(numbers) - {signal.SIGCHLD}:
                return None
            status, _ = _reap(command, None)
            if status is not None:
                return status
        if 0 in ready and not os.read(0, 1):
            return None


def _reap(command: int, status: int | None) -> tuple[int | None, bool]:
    """Collect ended children; return the command's status and whether any child is left."""
    try:
        while True:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return status, True
            if pid == command:
                status = ended
    except ChildProcessError:
        return status, False


def _end_all(
    command: int, status: int | None, grace_s: float, *, reaches_all: bool
) -> tuple[int | None, int]:
    """Send SIGTERM, then SIGKILL.

    Return the command's status and how many processes could not be ended.
    """
    _signal_all(command, signal.SIGTERM, reaches_all=reaches_all)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        status, more = _reap(command, status)
        if not more:
            break
        time.sleep(0.005)
    deadline = time.monotonic() + _KILL_FOR_S
    while time.monotonic() < deadline:
        _signal_all(command, signal.SIGKILL, reaches_all=reaches_all)
        status, more = _reap(command, status)
        if not more:
            return status, 0
        time.sleep(0.005)
    return status, max(1, len(_alive(reaches_all=reaches_all)))


def _signal_all(command: int, number: int, *, reaches_all: bool) -> None:
    for target in (-command, *_alive(reaches_all=reaches_all)):
        try:
            os.kill(target, number)
        except (ProcessLookupError, PermissionError):
            continue


def _alive(*, reaches_all: bool) -> list[int]:
    """Return the living descendants of this process; empty where they cannot be listed."""
    if not reaches_all:
        return []
    children: dict[int, list[int]] = {}
    ended = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stream:
                # The name in parentheses may contain anything; the fields after it are plain.
                state, parent = stream.read().rpartition(b") ")[2].split(b" ", 2)[:2]
        except (OSError, ValueError):
            continue
        children.setdefault(int(parent), []).append(int(name))
        if state in (b"Z", b"X"):
            ended.add(int(name))
    found: list[int] = []
    queue = [os.getpid()]
    while queue:
        below = children.get(queue.pop(), [])
        queue += below
        found += [pid for pid in below if pid not in ended]
    return found


def _report(status_fd: int, **facts: int) -> None:
    # Formatted by hand: importing json would take longer than everything else here.
    text = "".join(f"{name}={int(fact)}\n" for name, fact in facts.items())
    try:
        os.write(status_fd, text.encode())
    except OSError:
        # The caller is dead; its command is ended all the same.
        return


if __name__ == "__main__":
    main()
