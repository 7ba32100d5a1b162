"""Wait for what happens to a child: its end, a signal, the end of the caller, a limit exceeded."""

# Not `signal`: it makes enumerations of its constants, which takes as long as Python's start.
import _signal  # type: ignore[import-not-found]
import os
import select

_WATCH_S = 0.25
_LEAST_FREE = 64 * 1024 * 1024
_LOOK = getattr(os, "O_PATH", os.O_RDONLY)


class Waker:
    """Waits for the end of a child, for a signal, and for the end of the caller."""

    def __init__(self, lifeline: int) -> None:
        """Take over signals. `lifeline` is a descriptor whose end ends all; -1 for none."""
        self._lifeline = [lifeline] if lifeline >= 0 else []
        self._wake, waker = os.pipe()
        for end in (self._wake, waker):
            os.set_blocking(end, False)
        _signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (_signal.SIGCHLD, _signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
            _signal.signal(number, _ignore)

    def wait(self, seconds: float | None) -> bool:
        """Wait for something to happen, at most so long; return whether all must end."""
        ready, _, _ = select.select([*self._lifeline, self._wake], [], [], seconds)
        if self._wake in ready and set(os.read(self._wake, 4096)) - {_signal.SIGCHLD}:
            return True
        return any(fd in ready and not os.read(fd, 1) for fd in self._lifeline)


def restore_signals() -> None:
    """Give a child the signals that a program expects; Python and `Waker` have changed them."""
    _signal.set_wakeup_fd(-1)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGCHLD", "SIGTERM", "SIGINT", "SIGHUP"):
        _signal.signal(getattr(_signal, name), _signal.SIG_DFL)


class Watch:
    """Limits that no call of the kernel sets: how much of a disk, and processes of a namespace."""

    def __init__(
        self, limits: dict[str, int], *, folders: tuple[str, ...] = (), is_init: bool = False
    ) -> None:
        """Begin to watch.

        Args:
            limits: `disk_bytes` that may be used up on the file systems of the folders, and
                `processes` that may run where this process is the first of a pid namespace.
            folders: what the child writes to.
            is_init: this process is that first one.
        """
        self._processes = limits.get("processes", 0) if is_init else 0
        self._floors: list[tuple[int, int]] = []
        allowed = limits.get("disk_bytes", 0)
        for folder in folders if allowed else ():
            # A descriptor: the child may remove the folder.
            fd = os.open(folder, _LOOK | os.O_CLOEXEC)
            free = _free_bytes(fd)
            self._floors.append((fd, max(free - allowed, min(_LEAST_FREE, free // 2))))

    @property
    def interval(self) -> float | None:
        """Seconds between two looks; None when there is nothing to look at."""
        return _WATCH_S if self._processes or self._floors else None

    def exceeded(self) -> str:
        """Return the name of a limit that is exceeded; "" when none is."""
        if self._processes and count_in_namespace() > self._processes:
            return "processes"
        if any(_free_bytes(fd) < floor for fd, floor in self._floors):
            return "disk_bytes"
        return ""


def count_in_namespace() -> int:
    """Return how many other processes are in this pid namespace, of which this is the first."""
    return sum(name.isdigit() for name in os.listdir("/proc")) - 1


def _free_bytes(fd: int) -> int:
    facts = os.fstatvfs(fd)
    return facts.f_bavail * facts.f_frsize


def _ignore(*_: object) -> None:
    """Take a signal; the wakeup descriptor tells of it."""
