"""Calls of the Linux kernel that the standard library of Python 3.11 does not have.

Imported by the launcher, which must be up in a few milliseconds: `ctypes`, `os` and `struct`
alone. No `signal`, `socket`, `json` or `re`, each of which costs more than all of this.
"""

import ctypes
import os
import struct
import sys

IS_LINUX = sys.platform.startswith("linux")

NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC, ATTR_IDMAP = 1, 2, 4, 8, 0x100000

SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ = 9, 13, 15, 25
EPERM, ENOENT, EINVAL, ENOSYS, EOPNOTSUPP = 1, 2, 22, 38, 95

_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_CLOSE_RANGE_CLOEXEC = 4
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_CAPABILITIES = 64
# A 32-bit Python on a 64-bit kernel uses other call numbers.
_WHOLE_POINTER = 8
_CAPABILITY_VERSION_3 = 0x20080522


class Machine:
    """What differs between processors: the audit architecture and some call numbers."""

    def __init__(self, arch: int, calls: str) -> None:
        self.arch = arch
        numbers = [int(number) for number in calls.split()]
        self.socket, self.socketpair, self.ioctl, self.prlimit = numbers[:4]
        self.keys = tuple(numbers[4:7])
        self.keyctl, self.pivot_root = numbers[6:8]


_MACHINES = {
    "x86_64": Machine(0xC000003E, "41 53 16 302 248 249 250 155"),
    "aarch64": Machine(0xC00000B7, "198 199 29 261 217 218 219 41"),
}

# These numbers are the same on every processor.
OPEN_TREE, MOVE_MOUNT, CLOSE_RANGE, MOUNT_SETATTR = 428, 429, 436, 442
IO_URING = (425, 426, 427)
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446

LIBC = ctypes.CDLL(None, use_errno=True)


def machine() -> Machine:
    """Return the call numbers of this processor.

    Raises:
        OSError: they are not known here.
    """
    name = os.uname().machine
    is_whole = ctypes.sizeof(ctypes.c_void_p) == _WHOLE_POINTER
    if not IS_LINUX or not is_whole or name not in _MACHINES:
        raise OSError(ENOSYS, f"no layer is known for {sys.platform} on {name}")
    return _MACHINES[name]


def checked(result: int, action: str) -> int:
    """Return the result of a call.

    Raises:
        OSError: it is negative; the error names the action.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{action}: {os.strerror(number)}")
    return result


def syscall(action: str, number: int, *args: object) -> int:
    """Make a call by its number and return the result.

    Raises:
        OSError: the kernel refused; the error names the action.
    """
    # A plain integer would be passed as a C int: half of a register.
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return checked(LIBC.syscall(ctypes.c_long(number), *wide), action)


def unshare(flags: int, action: str) -> None:
    """Enter new namespaces.

    Raises:
        OSError: the kernel refused.
    """
    checked(LIBC.unshare(flags), action)


def mount(
    source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str = ""
) -> None:
    """Mount a file system.

    Raises:
        OSError: the kernel refused; the error names the target.
    """
    names = [text and os.fsencode(text) for text in (source, target, kind)]
    checked(
        LIBC.mount(*names, ctypes.c_ulong(flags), os.fsencode(data) if data else None),
        f"mount {kind or ''} at {target}",
    )


def unmount(target: str) -> None:
    """Take a mount away from its place; who holds it keeps it."""
    checked(LIBC.umount2(os.fsencode(target), MNT_DETACH), f"unmount {target}")


def clone_mount(path: str) -> int:
    """Return a descriptor of a copy of what is mounted at a path and below it.

    Raises:
        OSError: the kernel refused.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE
    return syscall(f"open {path} as a mount", OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags)


def set_mount(mount_fd: int, attributes: int, *, id_map: int = -1) -> None:
    """Set attributes on a mount and all mounts below it.

    Args:
        mount_fd: from `clone_mount`.
        attributes: `ATTR_…`; what is set already stays set.
        id_map: descriptor of a user namespace whose map translates owners; -1 for none.

    Raises:
        OSError: the kernel refused.
    """
    values = struct.pack(
        "QQQQ", attributes | (ATTR_IDMAP if id_map >= 0 else 0), 0, 0, max(id_map, 0)
    )
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    syscall("set mount attributes", MOUNT_SETATTR, mount_fd, b"", flags, values, len(values))


def attach_mount(mount_fd: int, target: str) -> None:
    """Put a mount from `clone_mount` at a path, and close the descriptor.

    Raises:
        OSError: the kernel refused.
    """
    place = os.fsencode(target)
    flags = _MOVE_MOUNT_F_EMPTY_PATH
    syscall(f"mount at {target}", MOVE_MOUNT, mount_fd, b"", _AT_FDCWD, place, flags)
    os.close(mount_fd)


def pivot_root(new: str, old: str) -> None:
    """Make a mount the root of this process and put the old root at a folder in it."""
    syscall("change the root", machine().pivot_root, os.fsencode(new), os.fsencode(old))


def set_subreaper() -> bool:
    """Adopt orphaned descendants; say whether that worked."""
    return IS_LINUX and LIBC.prctl(_PR_SET_SUBREAPER, 1, 0, 0, 0) == 0


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    if IS_LINUX:
        checked(LIBC.prctl(_PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "tie to the parent")


def set_dumpable(value: bool) -> None:  # noqa: FBT001 - the kernel's own switch
    """Open or close this process's memory and `/proc` entries to processes of the same user."""
    if IS_LINUX:
        checked(LIBC.prctl(_PR_SET_DUMPABLE, int(value), 0, 0, 0), "close the memory")


def refuse_new_privileges() -> None:
    """Let no program that is started gain rights by its file: ends sudo and the like."""
    checked(LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "refuse new privileges")


def drop_capabilities() -> None:
    """Give up every capability, also those that root would get back with the next program."""
    for number in range(_CAPABILITIES):
        LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    checked(LIBC.capset(header, bytes(24)), "drop capabilities")


def install_filter(program: bytes) -> None:
    """Install a seccomp filter; needs `refuse_new_privileges` first.

    Raises:
        OSError: the kernel refused.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    order = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    checked(LIBC.prctl(_PR_SET_SECCOMP, 2, order, 0, 0), "install the seccomp filter")


def join_empty_keyring() -> None:
    """Leave the session keyring that was inherited for an empty one."""
    syscall("join an empty session keyring", machine().keyctl, 1, None)


def set_limit(resource: int, soft: int, hard: int) -> None:
    """Set a resource limit of this process; a hard limit is never raised.

    Raises:
        OSError: the kernel refused.
    """
    now = (ctypes.c_ulong * 2)()
    checked(LIBC.getrlimit(resource, now), "read a limit")
    hard = min(hard, now[1])
    wanted = (ctypes.c_ulong * 2)(min(soft, hard), hard)
    checked(LIBC.setrlimit(resource, wanted), "set a limit")


def close_on_exec_from(first: int) -> None:
    """Have every descriptor from a number on closed when the next program starts."""
    order = (ctypes.c_long(CLOSE_RANGE), first, ctypes.c_uint(0xFFFFFFFF), _CLOSE_RANGE_CLOEXEC)
    if IS_LINUX and LIBC.syscall(*order) == 0:
        return
    for name in os.listdir("/dev/fd"):
        if int(name) >= first:
            try:
                os.set_inheritable(int(name), False)  # noqa: FBT003 - the library's order
            except OSError:
                continue


def raise_loopback() -> None:
    """Switch on the loopback interface of the network namespace that this process is in."""
    fd = checked(LIBC.socket(2, 2, 0), "open a socket")
    try:
        request = ctypes.create_string_buffer(struct.pack("16sH14x", b"lo", 0x41), 32)
        checked(LIBC.ioctl(fd, 0x8914, request), "switch on the loopback interface")
    finally:
        os.close(fd)
