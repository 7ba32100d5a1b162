"""The launcher's way: read the orders, start the child, follow it, and end all that it leaves.

It ends everything when the caller asks or dies.
"""

import os
import sys

from codex_orchestrator.system.sandbox import inside, kernel, launcher, orders, reaping, watching
from codex_orchestrator.system.sandbox.launcher import FAILED_TO_START, Launch
from codex_orchestrator.system.sandbox.report import Report


def main(argv: list[str]) -> None:
    """Read the orders and carry them out.

    One argument is the number of a descriptor for the report: orders come from standard input,
    their length in the first line; the input stays open, and its end ends all. Two arguments are
    that number and a descriptor to read orders from, and say that bubblewrap is around.
    """
    if len(argv) == 2:
        _run_inside(int(argv[0]), int(argv[1]))
    launch = Launch(orders.decode(_read_orders()), _report_to(int(argv[0])))
    if launch.wanted.argv:
        _run(launch)
        return
    from codex_orchestrator.system.sandbox.probing import report_layers

    report_layers(launch.wanted, launch.report)


def _run(launch: Launch) -> None:
    """Start the child, follow it to its end, end what it leaves, and end with its exit code."""
    waker = watching.Waker(0)
    if kernel.set_subreaper() and launch.wanted.layers:
        launch.report.say(layer=orders.SUBREAPER)
    try:
        child = launcher.start(launch)
    except OSError as error:
        launch.report.fault(error)
        sys.exit(FAILED_TO_START)
    launch.report.say(pid=child)
    watch = watching.Watch(launch.wanted.limits, folders=launch.wanted.write)
    status, limit = reaping.follow(child, waker, watch)
    if limit:
        launch.report.say(limit=limit)
    spare = child if launch.has(orders.PID) else 0
    left = reaping.count_descendants() if status is not None else 0
    grace_s = launch.wanted.grace_ms / 1000
    status, survivors = reaping.end_all(child, status, grace_s=grace_s, spare=spare)
    launch.report.say(left=left, survivors=survivors)
    if status is None:
        sys.exit(FAILED_TO_START)
    code = os.waitstatus_to_exitcode(status)
    # The first process of a namespace has told how the child ended, unless it was killed.
    if not launch.has_init or code < 0:
        launch.report.say(exit=code)
    sys.exit(code if code >= 0 else 128 - code)


def _run_inside(status_fd: int, orders_fd: int) -> None:
    """Become the child of a launcher that stands outside, beyond bubblewrap."""
    report = _report_to(status_fd)
    with open(orders_fd, "rb") as stream:
        wanted = orders.decode(stream.read())
    try:
        inside.become_child(wanted, report, others=0, is_probe=False)
    except OSError as error:
        report.fault(error)
    os._exit(FAILED_TO_START)


def _report_to(fd: int) -> Report:
    os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library's order
    return Report(fd)


def _read_orders() -> bytes:
    length = b""
    while not length.endswith(b"\n"):
        length += _read_some(1)
    data = b""
    while len(data) < int(length):
        data += _read_some(int(length) - len(data))
    return data


def _read_some(size: int) -> bytes:
    data = os.read(0, size)
    if not data:
        # The caller died before it had sent its orders.
        sys.exit(FAILED_TO_START)
    return data
