"""Enter namespaces, and become a user who owns nothing where root starts the child."""

import os

from codex_orchestrator.system.sandbox import kernel

NOBODY = 65534

OwnerMaps = dict[tuple[int, int], int]
"""For a user and a group id: the descriptor of a user namespace that makes nobody of them."""


def enter_user_namespace(flags: int) -> None:
    """Enter a new user namespace and others with it; the own ids mean the same inside.

    Raises:
        OSError: the kernel refused, or let only half of it happen.
    """
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEWUSER | flags, "enter namespaces")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")


def become_nobody() -> None:
    """Change the user to one that owns no files, then enter a user namespace of its own.

    Raises:
        OSError: the kernel refused.
    """
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    # The kernel closes a process that changes its user, and with it the files for the maps.
    kernel.set_dumpable(True)
    enter_user_namespace(0)


def forbid_user_namespaces() -> None:
    """Let nobody in this user namespace make another: each would bring capabilities again."""
    _write("/proc/sys/user/max_user_namespaces", "0")


def owner_maps(paths: list[str]) -> OwnerMaps:
    """Return descriptors of user namespaces that translate owners of paths to nobody.

    One for each pair of user and group id that owns one of the paths.

    Raises:
        OSError: the kernel refused.
    """
    owners = {(facts.st_uid, facts.st_gid) for facts in map(os.stat, paths)}
    return {owner: _owner_map(*owner) for owner in sorted(owners)}


def _owner_map(uid: int, gid: int) -> int:
    """Return a descriptor of a user namespace in which an id stands for nobody's."""
    ready, reply = os.pipe()
    hold, release = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(release)
        answer = b"1"
        try:
            kernel.unshare(kernel.NEWUSER, "make a map of owners")
        except OSError:
            answer = b"0"
        os.write(reply, answer)
        os.read(hold, 1)
        os._exit(0)
    try:
        os.close(reply)
        if os.read(ready, 1) != b"1":
            raise OSError(1, "make a map of owners: refused")
        _write(f"/proc/{pid}/uid_map", f"{uid} {NOBODY} 1")
        _write(f"/proc/{pid}/gid_map", f"{gid} {NOBODY} 1")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for fd in (ready, hold, release):
            os.close(fd)
        os.waitpid(pid, 0)


def _write(path: str, text: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode("ascii"))
        finally:
            os.close(fd)
    except OSError as error:
        raise OSError(error.errno, f"write {path}: {error.strerror}") from error
