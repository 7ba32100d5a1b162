"""The caller's side of the launcher: start a child, listen to its report, end it."""

import os
import signal
import subprocess
import sys
from typing import Self

from codex_orchestrator.model.confinement import Network, SandboxFacts
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.sandbox.orders import PID, Orders, encode

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
# The launcher asks for its grace, then kills for 5 s; beyond that it is stuck itself.
STUCK_S = 10.0
_CHUNK = 64 * 1024


class Child:
    """A launcher with a command below it; leaving the block ends both, and all that they left.

    `status` and `output` are descriptors to wait on: the report, which `hear` takes in, and what
    the command prints, both streams in one; its end is not the end of the command.
    """

    def __init__(self, orders: Orders) -> None:
        """Start it.

        Raises:
            NotCheckedError: processes cannot be started, or an argument holds a NUL byte.
        """
        self._limits = dict(orders.limits)
        self._layers = orders.layers
        self._facts: dict[str, list[str]] = {}
        self._unread = b""
        self._grace_s = orders.grace_ms / 1000
        name = orders.argv[0] if orders.argv else "the launcher"
        try:
            data = encode(orders)
        except ValueError as error:
            raise NotCheckedError(f"{name!r} cannot be started: {error}") from error
        self.status, reporter = os.pipe()
        self.output, printer = os.pipe()
        receiver, self._lifeline = os.pipe()
        try:
            self._launcher = subprocess.Popen(
                [sys.executable, "-I", "-S", LAUNCHER, str(reporter)],
                env={},
                stdin=receiver,
                stdout=printer,
                stderr=printer,
                pass_fds=(reporter,),
                start_new_session=True,
            )
        except OSError as error:
            self._close(self.status, self.output, self._lifeline)
            raise NotCheckedError(f"{name!r} cannot be started: {error}") from error
        finally:
            self._close(reporter, printer, receiver)
        os.set_blocking(self.output, False)
        self._send(b"%d\n%b" % (len(data), data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs. Also the way out of an exception, such as the user's interrupt."""
        self.end()
        try:
            self._launcher.wait(self._grace_s + STUCK_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._launcher.wait()
        self._close(self.output, self.status)

    @property
    def launcher_pid(self) -> int:
        """The process id of the launcher."""
        return self._launcher.pid

    def end(self) -> None:
        """Have the launcher end the command and all below it: asked first, then killed."""
        if self._lifeline >= 0:
            self._close(self._lifeline)
            self._lifeline = -1

    def kill(self) -> None:
        """Kill the launcher and the command's group: the last resort."""
        self._launcher.kill()
        self.kill_group()

    def kill_group(self) -> None:
        """Kill the command's group, or its pid namespace, which a killed launcher left alone."""
        pid = self.number("pid")
        if pid:
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return

    def hear(self) -> bool:
        """Take in a part of the report; False when there will be no more."""
        data = os.read(self.status, 4096)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            name, _, value = line.decode("utf-8", "surrogateescape").partition("=")
            self._facts.setdefault(name, []).append(value)
        return bool(data)

    def read(self) -> bytes:
        """Return what was printed meanwhile; nothing when there is nothing now, or no more."""
        try:
            return os.read(self.output, _CHUNK)
        except BlockingIOError:
            return b""

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value that was reported under a name."""
        return tuple(self._facts.get(name, ()))

    def number(self, name: str) -> int | None:
        """Return the number that was reported under a name; None when there was none."""
        return int(self._facts[name][0]) if name in self._facts else None

    @property
    def is_over(self) -> bool:
        """Say whether the command has ended or did not start."""
        return "exit" in self._facts or "errno" in self._facts

    @property
    def problem(self) -> str:
        """Why the command did not run; "" when it did or may still."""
        faults = self.all("fault")
        if not faults and self.is_over and not self.all("network"):
            return "the layers around it could not be set up"
        return faults[0] if faults else ""

    @property
    def limit(self) -> str:
        """The limit that ended the command, as `limits.NAME`; "" for none that is known."""
        return next((f"limits.{name}" for name in self.all("limit")), "")

    @property
    def survivors(self) -> int:
        """How many processes could not be ended; 1 where a killed launcher left that unknown."""
        told = self.number("survivors")
        if told is not None:
            return told
        # A pid namespace ends with its launcher, also one whose layers were not told any more.
        return int(self.number("pid") is not None and PID not in self._layers)

    @property
    def facts(self) -> SandboxFacts:
        """What was in force."""
        network = Network(next(iter(self.all("network")), Network.OPEN))
        # One that ended the command was in force, even if that was before all were told.
        names = dict.fromkeys([*self.all("limited"), *self.all("limit")])
        limits = {name: self._limits[name] for name in names}
        return SandboxFacts(self.all("layer"), network, limits)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._lifeline, view) :]
        except BrokenPipeError:
            # The launcher did not come up; its report ends without a word about the command.
            return

    def _close(self, *fds: int) -> None:
        for fd in fds:
            os.close(fd)
