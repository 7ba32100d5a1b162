"""Namespaces made by bubblewrap: for systems that let it do what they refuse other programs.

It makes the root and the namespaces; then a second launcher, inside, gives up the rights that
bubblewrap knows nothing of. Changes to copied folders are not possible this way: they are
read-only.
"""

import os
import sys

from codex_orchestrator.system.sandbox import new_root, orders
from codex_orchestrator.system.sandbox.orders import Orders, encode


def execute(wanted: Orders, *, status_fd: int, script: str, sources: str) -> None:
    """Become bubblewrap, which starts the second launcher.

    Args:
        wanted: the orders.
        status_fd: where the second launcher reports.
        script: the launcher's first file.
        sources: the folder that its package lies in.

    Raises:
        OSError: it cannot be run.
    """
    told = _file_with(encode(wanted))
    words = _words(wanted, sources)
    for path, text in wanted.files:
        if os.path.lexists(path):
            words += ["--ro-bind-data", str(_file_with(os.fsencode(text))), path]
    words += ["--remount-ro", "/"]
    given = _file_with(b"".join(os.fsencode(word) + b"\0" for word in words))
    os.set_inheritable(status_fd, True)  # noqa: FBT003 - the standard library's order
    command = [wanted.bubblewrap, "--args", str(given), "--"]
    command += [_interpreter(), "-I", "-S", script, str(status_fd), str(told)]
    os.execve(wanted.bubblewrap, command, {})  # noqa: S606 - without a shell is the point


def _words(wanted: Orders, sources: str) -> list[str]:
    layers = wanted.layers
    words = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--die-with-parent"]
    words += ["--unshare-net"] if orders.NET in layers else []
    words += ["--disable-userns"]
    words += ["--cap-drop", "ALL", "--dev", "/dev", "--proc", "/proc"]
    size = wanted.limits.get("private_bytes", 0)
    for place in (new_root.TEMP, new_root.home_of(wanted), "/dev/shm", "/run", "/var"):  # noqa: S108
        words += [*(("--size", str(size)) if size else ()), "--tmpfs", place]
    library = os.path.dirname(os.path.realpath(os.__file__))
    ours = [_interpreter(), os.path.realpath(sys.base_prefix), library, sources]
    read = [*wanted.system, *wanted.read, *wanted.copy, *ours]
    kinds = [("--ro-bind", read), ("--bind", wanted.write), ("--ro-bind", wanted.lock)]
    binds = [(path, kind) for kind, paths in kinds for path in paths if os.path.lexists(path)]
    for path, kind in sorted(binds, key=lambda bind: bind[0].count("/")):
        words += [kind, path, path]
    for place, target in wanted.links:
        if not any(place.startswith(f"{path}/") for path, _ in binds):
            words += ["--symlink", target, place]
    return words


def _interpreter() -> str:
    # Not the link in a virtual environment: the folder that it lies in may not be there inside.
    return os.path.realpath(sys.executable)


def _file_with(data: bytes) -> int:
    """Return a descriptor of a file in memory, to be read from its beginning by what is started."""
    fd = os.memfd_create("orders", 0)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
