"""Follow a child to its end, and end what it leaves.

On Linux the launcher is a "child subreaper": a process that the child orphans (a daemon, a double
fork, a new session) becomes a child of the launcher, so all of them stay in reach until they are
gone. A child that forks faster than it can be killed is ended for sure only with a pid namespace.
"""

# Not `signal`: it makes enumerations of its constants, which takes as long as Python's start.
import _signal  # type: ignore[import-not-found]
import os
import time

from codex_orchestrator.system.sandbox import kernel
from codex_orchestrator.system.sandbox.watching import Waker, Watch

_KILL_FOR_S = 5.0
_PAUSE_S = 0.005
# A storm of processes that end at once must not keep the launcher from looking at the time.
_REAP_FOR_S = 0.01
_YOUNGEST = 100
_NO_CHILD, _LIVING, _MORE_ENDED = 0, 1, 2
_ENDED = (b"Z", b"X")


def follow(command: int, waker: Waker, watch: Watch) -> tuple[int | None, str]:
    """Wait for a command; return its wait status, None when it is to be ended, and the limit."""
    status: int | None = None
    more = _LIVING
    while status is None:
        must_end = waker.wait(0 if more == _MORE_ENDED else watch.interval)
        status, more = _reap(command, None)
        limit = watch.exceeded() if status is None else ""
        if must_end or limit:
            return status, limit
    return status, ""


def end_all(
    command: int, status: int | None, *, grace_s: float, spare: int
) -> tuple[int | None, int]:
    """Ask all descendants to end, then kill them.

    Args:
        command: the child.
        status: its wait status; None when it still runs.
        grace_s: seconds between asking and killing.
        spare: a process that is not asked, because it ends when those below it have.

    Returns:
        The child's wait status, None when it could not be ended; and how many still live.
    """
    status, more = _reap(command, status)
    if not more:
        return status, 0
    _leave_collecting_to_kernel(status)
    _signal_all(command, kernel.SIGTERM, spare=spare)
    patience = time.monotonic() + grace_s
    while time.monotonic() < patience:
        status, more = _reap(command, status)
        if not more:
            return status, 0
        if more == _LIVING:
            time.sleep(_PAUSE_S)
    return _kill_all(command, status)


def _kill_all(command: int, status: int | None) -> tuple[int | None, int]:
    """Kill all descendants, for some seconds; return the same as `end_all`."""
    patience = time.monotonic() + _KILL_FOR_S
    look_again = 0.0
    while (now := time.monotonic()) < patience:
        _leave_collecting_to_kernel(status)
        # To look at every process takes long when there are many: most of the time is for our own
        # children. An orphan becomes one, so a process that forks and ends is soon among them.
        if now >= look_again:
            _signal_all(command, kernel.SIGKILL, spare=0)
            done = time.monotonic()
            look_again = done + max(_PAUSE_S, 4 * (done - now))
        _kill_children()
        status, more = _reap(command, status)
        if not more:
            return status, 0
        if more == _LIVING:
            time.sleep(_PAUSE_S / 10)
    living = count_descendants()
    if not living:
        # What lived when the time was over may have ended since.
        status, more = _reap(command, status)
        living = int(more == _LIVING)
    return status, living


def count_descendants() -> int:
    """Return how many descendants of this process live."""
    # Nothing is collected here: the command may just have ended, and its status would be lost.
    # To ask for children costs nothing; to look at every process of the machine does.
    if not kernel.IS_LINUX:
        return 0
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return len(_descendants())


def count_threads_of_user(uid: int) -> int:
    """Return how many threads of a user run: what the kernel counts against a limit."""
    threads = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == uid:
                    threads += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return threads


def _reap(command: int, status: int | None) -> tuple[int | None, int]:
    """Collect ended children, not for long; return the command's status and what is left.

    Only the status that is returned tells how the command ended: nobody may drop it. What is left
    is `_NO_CHILD`, `_LIVING` ones, or perhaps `_MORE_ENDED` ones to collect.
    """
    enough = time.monotonic() + _REAP_FOR_S
    try:
        while time.monotonic() < enough:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return status, _LIVING
            if pid == command:
                status = ended
    except ChildProcessError:
        return status, _NO_CHILD
    return status, _MORE_ENDED


def _leave_collecting_to_kernel(status: int | None) -> None:
    """Have no ended child wait to be collected, once the command's status is known.

    A storm of processes is faster than this one, and would use up all process ids.
    """
    if status is not None:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)


def _signal_all(command: int, number: int, *, spare: int) -> None:
    # Once each: a second signal would end a process that is tidying up after the first.
    for target in _descendants() or [-command]:
        if target == spare:
            continue
        try:
            os.kill(target, number)
        except (ProcessLookupError, PermissionError):
            continue


def _kill_children() -> None:
    """Kill the youngest children of this process; none where they are not listed."""
    pid = os.getpid()
    try:
        with open(f"/proc/self/task/{pid}/children", "rb") as stream:
            children = stream.read().split()
    except OSError:
        return
    for child in reversed(children[-_YOUNGEST:]):
        try:
            os.kill(int(child), kernel.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _descendants() -> list[int]:
    """Return the living descendants of this process; none where they cannot be known."""
    if not kernel.IS_LINUX or not os.path.isdir("/proc/self"):
        return []
    children: dict[int, list[int]] = {}
    ended = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stream:
                # The name in brackets may hold anything; the fields after it do not.
                state, parent = stream.read().rpartition(b") ")[2].split(b" ", 2)[:2]
        except (OSError, ValueError):
            continue
        children.setdefault(int(parent), []).append(int(name))
        if state in _ENDED:
            ended.add(int(name))
    found: list[int] = []
    queue = [os.getpid()]
    while queue:
        below = children.get(queue.pop(), [])
        queue += below
        found += [pid for pid in below if pid not in ended]
    return found
