"""What the launcher is told: names and values, as bytes with a NUL after each.

Not JSON: importing that costs the launcher more than all its other work; so do `typing` and
`collections`, which is why modules of the launcher import neither. A path, an argument and a
variable can hold any byte but NUL, so nothing needs to be escaped.
"""

import os

from codex_orchestrator.text.lean_typing import NamedTuple

USER, MOUNT, PID, IPC, NET = (
    "user-namespace",
    "mount-namespace",
    "pid-namespace",
    "ipc-namespace",
    "network-namespace",
)
OTHER_USER = "other-user"
COPY_ON_WRITE = "copy-on-write"
LANDLOCK = "landlock"
SECCOMP = "seccomp"
KEYRING = "empty-keyring"
BUBBLEWRAP = "bubblewrap"
NAMESPACES = (USER, MOUNT, PID, IPC, NET)
PROBED = (*NAMESPACES, OTHER_USER, COPY_ON_WRITE, LANDLOCK, SECCOMP, KEYRING)
"""Layers that a kernel may lack or refuse."""

# Always there where there is any layer, so nobody orders them; the report names them.
SUBREAPER = "subreaper"
NO_CAPABILITIES = "no-capabilities"
NO_NEW_PRIVILEGES = "no-new-privileges"
LIMITS = "resource-limits"

_LISTS = ("argv", "system", "read", "write", "copy", "lock")
_PAIRS = ("environment", "links", "files")
_TEXTS = ("cwd", "network", "scratch", "home", "bubblewrap")
_NUMBERS = ("landlock_abi", "grace_ms")


class Orders(NamedTuple):
    """One child: how it is contained, and what is run.

    Attributes:
        layers: what is set up; each of them, or the start fails.
        argv: the command; empty asks for a probe of the layers.
        cwd: where it runs.
        environment: its whole environment, but for HOME and TMPDIR.
        system: paths that it reads with the rights of whoever it runs as.
        read: paths that it reads with the rights of their owner.
        write: paths that it may change.
        copy: folders that it sees and may change for itself; read-only without copy-on-write.
        lock: paths inside writable ones that stay as they are.
        links: symbolic links to make, and where they point.
        files: files to show with another text.
        network: `off`, `loopback` or `open`; what is in force depends on the layers.
        landlock_abi: the version of Landlock to use.
        limits: by name, see `Limits` in `model/confinement`.
        scratch: a private folder on disk, for where there is no mount namespace.
        home: where the private home is shown; "" for a place of its own.
        bubblewrap: the program that makes the namespaces; "" for the launcher itself.
        grace_ms: time between asking and killing.
    """

    layers: frozenset[str]
    argv: tuple[str, ...] = ()
    cwd: str = "/"
    environment: tuple[tuple[str, str], ...] = ()
    system: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    network: str = "open"
    landlock_abi: int = 0
    limits: dict[str, int] = {}  # noqa: RUF012 - nobody changes it
    scratch: str = ""
    home: str = ""
    bubblewrap: str = ""
    grace_ms: int = 2000


def network_in_force(layers: frozenset[str], network: str, *, bubblewrap: str) -> str:
    """Return what a child below layers can really reach: `off`, `loopback` or `open`."""
    if network == "off" and SECCOMP in layers:
        return "off"
    if NET not in layers:
        return "open"
    # Bubblewrap always switches the loopback interface on.
    return "loopback" if network == "off" and bubblewrap else network


def encode(orders: Orders) -> bytes:
    """Return orders as bytes.

    Raises:
        ValueError: a value holds a NUL byte.
    """
    items = [f"{name}={value}" for name in _LISTS for value in getattr(orders, name)]
    items += [
        f"{name}={part}" for name in _PAIRS for pair in getattr(orders, name) for part in pair
    ]
    items += [f"limit={part}" for pair in orders.limits.items() for part in pair]
    items += [f"{name}={getattr(orders, name)}" for name in (*_TEXTS, *_NUMBERS)]
    items += [f"layer={layer}" for layer in sorted(orders.layers)]
    data = b"".join(os.fsencode(item) + b"\0" for item in items)
    if data.count(b"\0") != len(items):
        raise ValueError("embedded null byte")
    return data


def decode(data: bytes) -> Orders:
    """Return orders from bytes that `encode` made."""
    found: dict[str, list[str]] = {}
    for item in data.split(b"\0")[:-1]:
        name, _, value = os.fsdecode(item).partition("=")
        found.setdefault(name, []).append(value)

    def pairs(name: str) -> tuple[tuple[str, str], ...]:
        flat = found.get(name, [])
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    values: dict[str, object] = {name: tuple(found.get(name, ())) for name in _LISTS}
    values |= {name: pairs(name) for name in _PAIRS}
    values |= {name: found[name][0] for name in _TEXTS}
    values |= {name: int(found[name][0]) for name in _NUMBERS}
    values["limits"] = {name: int(number) for name, number in pairs("limit")}
    return Orders(frozenset(found.get("layer", ())), **values)  # type: ignore[arg-type]
