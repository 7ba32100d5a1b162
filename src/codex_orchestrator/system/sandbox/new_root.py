"""A root folder that holds what was named and nothing else, made of mounts.

Read-only is what the child may read; everything private to it lies on one small file system in
memory, which bounds it and takes it away with the child.
"""

import os
import stat

from codex_orchestrator.system.sandbox import kernel
from codex_orchestrator.system.sandbox.namespaces import OwnerMaps
from codex_orchestrator.system.sandbox.orders import COPY_ON_WRITE, Orders

TEMP = "/tmp"  # noqa: S108 - a private file system is mounted there
DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))
_STAGES = ("/tmp", "/mnt", "/usr")  # noqa: S108 - any folder that exists will do
# All that is needed while the root is made lies below one mount: to take a mount away costs the
# kernel milliseconds, so that is done once.
_WORK = "/.work"
_OLD, _PRIVATE, _LOWER, _TEXTS = (
    f"{_WORK}/{name}" for name in ("old", "private", "lower", "texts")
)
_DEV_LINKS = (
    ("/dev/ptmx", "pts/ptmx"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/var/tmp", "/tmp"),  # noqa: S108
)
# Root without capabilities still owns these; a system is steered through them.
_PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs")

_READ_ONLY = kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV
_WRITABLE = kernel.ATTR_NOSUID | kernel.ATTR_NODEV

Part = tuple[str, int, bool]
"""Where something is mounted, the descriptor of its mount, and whether it is to be copied."""


def home_of(orders: Orders) -> str:
    """Return where the child's private home is, if it has a root of its own."""
    return orders.home or f"{TEMP}/home"


def take_parts(orders: Orders, maps: OwnerMaps) -> list[Part]:
    """Take hold of all that the child is given, before the old root goes.

    Args:
        orders: which paths; those that do not exist are left out.
        maps: from `owner_maps`; empty when owners stay as they are.

    Raises:
        OSError: the kernel refused.
    """
    copies = COPY_ON_WRITE in orders.layers
    kinds: list[tuple[tuple[str, ...], int, bool, bool]] = [
        (orders.system, _READ_ONLY, False, False),
        (orders.read, _READ_ONLY, True, False),
        (orders.write, _WRITABLE, True, False),
        (orders.copy, _READ_ONLY, True, copies),
        (orders.lock, _READ_ONLY, True, False),
        (DEVICES, kernel.ATTR_NOSUID, False, False),
    ]
    parts: list[Part] = []
    for paths, attributes, is_owned, is_copied in kinds:
        for path in paths:
            if not os.path.lexists(path):
                continue
            fd = kernel.clone_mount(path)
            id_map = -1
            if is_owned and maps:
                facts = os.stat(path)
                id_map = maps[facts.st_uid, facts.st_gid]
            kernel.set_mount(fd, attributes, id_map=id_map)
            parts.append((path, fd, is_copied))
    # What lies deeper comes later; within one depth the order above holds.
    return sorted(parts, key=lambda part: part[0].rstrip("/").count("/"))


def enter_new_root(orders: Orders, parts: list[Part], *, owner: tuple[int, int]) -> None:
    """Change to the new root. Runs in mount and pid namespaces of its own.

    Args:
        orders: what stands in it.
        parts: from `take_parts`.
        owner: user and group id of the child.

    Raises:
        OSError: the kernel refused; nothing may be run then.
    """
    _change_root()
    _make_system_files(orders, owner)
    for number, (path, fd, is_copied) in enumerate(parts):
        _make_place(path, fd, owner)
        if is_copied:
            _mount_copy(path, fd, number, owner)
        else:
            kernel.attach_mount(fd, path)
    for place, target in (*orders.links, *_DEV_LINKS):
        if not os.path.lexists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(target, place)
    _show_texts(orders.files)
    kernel.unmount(_WORK)
    os.rmdir(_WORK)
    _make_read_only("/", again=True)


def close_settings() -> None:
    """Make the kernel's settings in `/proc` read-only, for a child that keeps root's id.

    Raises:
        OSError: the kernel refused.
    """
    for name in _PROC_READ_ONLY:
        _make_read_only(f"/proc/{name}")


def _change_root() -> None:
    stage = next(folder for folder in _STAGES if os.path.isdir(folder))
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    secure = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", stage, "tmpfs", secure, "mode=755,size=4m")
    os.mkdir(stage + _WORK)
    kernel.mount("tmpfs", stage + _WORK, "tmpfs", secure, "mode=755,size=4m")
    os.mkdir(stage + _OLD)
    kernel.pivot_root(stage, stage + _OLD)
    os.chdir("/")


def _make_system_files(orders: Orders, owner: tuple[int, int]) -> None:
    secure = kernel.MS_NOSUID | kernel.MS_NODEV
    for folder in (_PRIVATE, _LOWER, _TEXTS, TEMP, "/var", "/run", "/proc", "/dev/shm", "/dev/pts"):  # noqa: S108
        os.makedirs(folder, exist_ok=True)
    # The kernel wants the old /proc to be in sight when a new one is mounted.
    kernel.mount("proc", "/proc", "proc", secure | kernel.MS_NOEXEC)
    terminals = "newinstance,ptmxmode=0666,mode=620"
    kernel.mount("devpts", "/dev/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, terminals)
    size = orders.limits.get("private_bytes", 0)
    kernel.mount("tmpfs", _PRIVATE, "tmpfs", secure, "mode=700" + (f",size={size}" if size else ""))
    for name, place in (("tmp", TEMP), ("shm", "/dev/shm"), ("home", home_of(orders))):  # noqa: S108
        folder = f"{_PRIVATE}/{name}"
        os.mkdir(folder)
        os.chmod(folder, 0o700 if name == "home" else 0o1777)
        os.chown(folder, *owner)
        os.makedirs(place, exist_ok=True)
        kernel.mount(folder, place, None, kernel.MS_BIND)


def _make_place(path: str, fd: int, owner: tuple[int, int]) -> None:
    if os.path.lexists(path):
        return
    is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
    _make_folders(path if is_folder else os.path.dirname(path), owner)
    if not is_folder:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _make_folders(path: str, owner: tuple[int, int]) -> None:
    """Make a folder and those above it. In a private folder the child may add to each of them."""
    if os.path.lexists(path):
        return
    _make_folders(os.path.dirname(path), owner)
    os.mkdir(path)
    os.chown(path, *owner)


def _mount_copy(path: str, fd: int, number: int, owner: tuple[int, int]) -> None:
    """Mount a folder so that what is written to it goes to the private file system."""
    lower, upper, work = f"{_LOWER}/{number}", f"{_PRIVATE}/u{number}", f"{_PRIVATE}/w{number}"
    for folder in (lower, upper, work):
        os.mkdir(folder, 0o755)
    kernel.attach_mount(fd, lower)
    os.chown(upper, *owner)
    os.chmod(upper, os.stat(lower).st_mode & 0o7777)
    options = f"lowerdir={lower},upperdir={upper},workdir={work},userxattr"
    kernel.mount("overlay", path, "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options)


def _show_texts(files: tuple[tuple[str, str], ...]) -> None:
    for number, (path, text) in enumerate(files):
        if not os.path.lexists(path):
            continue
        stand_in = f"{_TEXTS}/{number}"
        fd = os.open(stand_in, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444)
        try:
            os.write(fd, os.fsencode(text))
        finally:
            os.close(fd)
        kernel.mount(stand_in, path, None, kernel.MS_BIND)
        _make_read_only(path, again=True)


def _make_read_only(path: str, *, again: bool = False) -> None:
    if not again:
        if not os.path.lexists(path):
            return
        kernel.mount(path, path, None, kernel.MS_BIND | kernel.MS_REC)
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount(None, path, None, kernel.MS_REMOUNT | kernel.MS_BIND | flags)
