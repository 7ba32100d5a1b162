"""The last steps before a child's program starts: rights given up one by one, then none left."""

import os
import stat

from codex_orchestrator.system.sandbox import kernel, landlock, new_root, orders, seccomp
from codex_orchestrator.system.sandbox.orders import Orders

_CPU, _FSIZE, _DATA, _CORE = 0, 1, 2, 4
_NPROC, _NOFILE = (6, 7) if kernel.IS_LINUX else (7, 8)
_CPU_GRACE_S = 5
_PRIVATE_IN = ["/etc"]
_OTHERS_ENTER = stat.S_IROTH | stat.S_IXOTH
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the system's


def set_limits(limits: dict[str, int], *, others: int) -> None:
    """Set the resource limits; an absent one stays as it is. Core files are always off.

    Args:
        limits: by name, see `Limits`.
        others: threads of the same user that the kernel counts too.

    Raises:
        OSError: the kernel refused.
    """
    kernel.set_limit(_CORE, 0, 0)
    for name, resource, soft, hard in (
        ("files", _NOFILE, 0, 0),
        ("file_bytes", _FSIZE, 0, 0),
        ("memory_bytes", _DATA, 0, 0),
        ("processes", _NPROC, others, others),
        ("cpu_s", _CPU, 0, _CPU_GRACE_S),
    ):
        if limits.get(name):
            kernel.set_limit(resource, limits[name] + soft, limits[name] + hard)


def limits_in_force(wanted: Orders) -> list[str]:
    """Return the names of the limits that bind the child, called as the user that it runs as."""
    names = set(wanted.limits)
    if orders.MOUNT not in wanted.layers:
        # Its private folders lie on a disk.
        names.discard("private_bytes")
    is_watched = orders.PID in wanted.layers and not wanted.bubblewrap
    if os.getuid() == 0 and not is_watched:
        # The kernel lets root start processes without a bound, also without capabilities.
        names.discard("processes")
    return sorted(names)


def give_up_rights(wanted: Orders) -> list[str]:
    """Give up what the layers say, for good; return the names of what is in force.

    Raises:
        OSError: the kernel refused a layer that was ordered; nothing may be run then.
    """
    if not wanted.layers:
        return []
    kernel.drop_capabilities()
    kernel.refuse_new_privileges()
    done = [orders.NO_CAPABILITIES, orders.NO_NEW_PRIVILEGES]
    is_abstract_closed = orders.NET in wanted.layers
    if orders.KEYRING in wanted.layers:
        kernel.join_empty_keyring()
        done.append(orders.KEYRING)
    if orders.LANDLOCK in wanted.layers:
        rules = _file_rules(wanted)
        rules.enforce()
        is_abstract_closed |= rules.refuses_abstract_sockets
        done.append(f"{orders.LANDLOCK}-{rules.abi}")
    if orders.SECCOMP in wanted.layers:
        kernel.install_filter(
            seccomp.socket_filter(
                kernel.machine(),
                # Unix sockets that reach nothing outside, by path or by name, are for the child.
                allow_unix=orders.MOUNT in wanted.layers and is_abstract_closed,
                allow_internet=wanted.network != "off" or _has_empty_network(wanted),
                guard_limits=orders.PID not in wanted.layers,
            )
        )
        done.append(orders.SECCOMP)
    return done


def _has_empty_network(wanted: Orders) -> bool:
    # Bubblewrap always switches the loopback interface on.
    return orders.NET in wanted.layers and not wanted.bubblewrap


def _file_rules(wanted: Orders) -> landlock.Ruleset:
    rules = landlock.Ruleset(wanted.landlock_abi, refuse_tcp=wanted.network == "off")
    rules.allow_devices([*new_root.DEVICES])
    read = ["/proc", *wanted.system, *wanted.read, *wanted.copy, *wanted.lock]
    if orders.MOUNT in wanted.layers:
        # Terminals of its own. Without a mount namespace those of the user lie there.
        rules.allow_devices(["/dev/pts", "/dev/ptmx"])
        private = [new_root.TEMP, _SHARED_MEMORY, new_root.home_of(wanted)]
        rules.allow_writing([*wanted.write, *wanted.copy, *private])
        # The root holds what was named and nothing else.
        read = ["/"] if os.getuid() else read
    else:
        rules.allow_writing([*wanted.write, wanted.scratch])
        if not _holds_private_folders(_SHARED_MEMORY):
            rules.allow_writing([_SHARED_MEMORY])
    if os.getuid() == 0:
        # Root owns what only root may read, and needs no capability for that.
        rules.allow_listing(_PRIVATE_IN)
        read = [path for path in read if path not in _PRIVATE_IN]
        read += [part for folder in _PRIVATE_IN for part in _open_to_all(folder)]
    rules.allow_reading(read)
    return rules


def _open_to_all(folder: str) -> list[str]:
    """Return the largest parts of a folder that everybody may read: itself, or some below it."""
    parts, is_whole = [], True
    try:
        with os.scandir(folder) as entries:
            found = [(entry, entry.stat(follow_symlinks=False).st_mode) for entry in entries]
    except OSError:
        return []
    for entry, mode in found:
        if stat.S_ISLNK(mode):
            continue
        if stat.S_ISDIR(mode):
            below = _open_to_all(entry.path) if mode & _OTHERS_ENTER == _OTHERS_ENTER else []
            is_whole = is_whole and below == [entry.path]
            parts += below
        elif mode & stat.S_IROTH:
            parts.append(entry.path)
        else:
            is_whole = False
    return [folder] if is_whole else parts


def _holds_private_folders(folder: str) -> bool:
    """Say whether folders of this user lie there: a rule on a folder holds for all below it."""
    try:
        with os.scandir(folder) as entries:
            return any(
                entry.is_dir(follow_symlinks=False)
                and entry.stat(follow_symlinks=False).st_uid == os.getuid()
                for entry in entries
            )
    except OSError:
        return True
