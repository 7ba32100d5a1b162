"""Start one child below every layer that was ordered.

The processes, from the outside in: the launcher, which stays outside; where there is a pid
namespace, its first process, whose end the kernel makes the end of all others; the child. A layer
that cannot be set up as ordered ends the start: nothing is ever run half contained.
"""

import os

from codex_orchestrator.system.sandbox import (
    inside,
    kernel,
    namespaces,
    new_root,
    orders,
    reaping,
    watching,
)
from codex_orchestrator.system.sandbox.orders import Orders
from codex_orchestrator.system.sandbox.report import Report

FAILED_TO_START = 127
_OUT_OF_MEMORY_FIRST = b"1000"
# How a kernel or a file system says that owners cannot be translated here.
_CANNOT_TRANSLATE = (kernel.EPERM, kernel.EINVAL, kernel.ENOSYS, kernel.EOPNOTSUPP)


class Launch:
    """One start: what is wanted, and what is known so far.

    `is_probe` says that nothing is run after the last layer. `maps` and `parts` are filled where
    the child becomes nobody. `held` is a descriptor that ends the first process of a pid namespace
    when it is closed.
    """

    def __init__(self, wanted: Orders, report: Report, *, is_probe: bool = False) -> None:
        self.wanted = wanted
        self.report = report
        self.is_probe = is_probe
        self.others = 0
        self.maps: namespaces.OwnerMaps = {}
        self.parts: list[new_root.Part] = []
        self.held = -1

    def has(self, *layers: str) -> bool:
        """Say whether any of the layers is wanted."""
        return any(layer in self.wanted.layers for layer in layers)

    @property
    def has_init(self) -> bool:
        """Say whether the first process is that of a pid namespace, and tells of the end."""
        return self.has(orders.PID) and not self.wanted.bubblewrap


def start(launch: Launch) -> int:
    """Start the child, or the first process of its pid namespace; return the process id.

    Raises:
        OSError: a layer could not be set up.
    """
    if launch.has(orders.OTHER_USER):
        _translate_owners(launch)
    # The kernel sets root no limit on processes, and in a user namespace counts its own.
    if os.getuid() and not launch.has(orders.USER) and launch.wanted.limits.get("processes"):
        launch.others = reaping.count_threads_of_user(os.getuid())
    if launch.wanted.layers:
        _be_first_to_go()
    if not launch.wanted.bubblewrap:
        _enter_namespaces(launch)
    kernel.set_dumpable(False)
    tie, launch.held = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tie)
        return pid
    os.close(launch.held)
    try:
        if launch.wanted.bubblewrap:
            kernel.die_with_parent()
            _become_bubblewrap(launch)
        if launch.has_init:
            _become_init(launch)
        if launch.has(orders.USER):
            namespaces.forbid_user_namespaces()
        if launch.has_init:
            if os.getuid() == 0:
                new_root.close_settings()
            _fork_below_init(launch, tie)
        inside.become_child(
            launch.wanted,
            launch.report,
            others=launch.others,
            is_probe=launch.is_probe,
        )
    except OSError as error:
        launch.report.fault(error)
    finally:
        os._exit(FAILED_TO_START)


def _translate_owners(launch: Launch) -> None:
    """Prepare for the child to be nobody; where a file system cannot, root keeps its id."""
    wanted = launch.wanted
    owned = [*wanted.read, *wanted.write, *wanted.copy, *wanted.lock]
    try:
        maps = namespaces.owner_maps([path for path in owned if os.path.lexists(path)])
        launch.parts = new_root.take_parts(wanted, maps)
        launch.maps = maps
    except OSError as error:
        if launch.is_probe or error.errno not in _CANNOT_TRANSLATE:
            raise
        launch.wanted = wanted._replace(layers=wanted.layers - {orders.OTHER_USER})


def _be_first_to_go() -> None:
    """Have the kernel choose the child, before others, when the machine is out of memory."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, _OUT_OF_MEMORY_FIRST)
    finally:
        os.close(fd)


def _enter_namespaces(launch: Launch) -> None:
    flags = 0
    for layer, flag in (
        (orders.PID, kernel.NEWPID),
        (orders.IPC, kernel.NEWIPC),
        (orders.NET, kernel.NEWNET),
    ):
        flags |= flag if launch.has(layer) else 0
    if launch.maps:
        # As root no user namespace is needed for the others; nobody enters one later.
        kernel.unshare(flags, "enter namespaces")
    elif launch.has(orders.USER):
        namespaces.enter_user_namespace(flags)
    if launch.has(orders.NET) and launch.wanted.network == "loopback":
        kernel.raise_loopback()


def _become_bubblewrap(launch: Launch) -> None:
    from codex_orchestrator.system.sandbox import bubblewrap

    sources = os.path.abspath(__file__).rsplit(os.sep, 4)[0]
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
    fd = launch.report.descriptor
    bubblewrap.execute(launch.wanted, status_fd=fd, script=script, sources=sources)


def _become_init(launch: Launch) -> None:
    """Make this first process of a pid namespace one with a root of its own."""
    os.setsid()
    umask = os.umask(0o022)
    kernel.unshare(kernel.NEWNS, "enter a mount namespace")
    parts = launch.parts or new_root.take_parts(launch.wanted, {})
    nobody = (namespaces.NOBODY, namespaces.NOBODY)
    new_root.enter_new_root(
        launch.wanted, parts, owner=nobody if launch.maps else (os.getuid(), os.getgid())
    )
    if launch.maps:
        namespaces.become_nobody()
        kernel.set_dumpable(False)
    os.umask(umask)


def _fork_below_init(launch: Launch, tie: int) -> None:
    """Fork; return in the child, and stay as the first process of the namespace above it.

    It ends, and with it all others, when the launcher is gone, whose end of `tie` is then closed.
    """
    waker = watching.Waker(tie)
    command = os.fork()
    if command == 0:
        return
    watch = watching.Watch(launch.wanted.limits, is_init=True)
    status, limit = reaping.follow(command, waker, watch)
    if limit:
        launch.report.say(limit=limit)
    if status is None:
        os._exit(0)
    code = os.waitstatus_to_exitcode(status)
    launch.report.say(left=reaping.count_descendants(), exit=code)
    os._exit(code if code >= 0 else 128 - code)
