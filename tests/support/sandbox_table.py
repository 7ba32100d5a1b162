"""What remains for a hostile check, with each layer alone, with some, with all: a Markdown table.

Run as a script it prints the tables that stand in `docs/threat-model.md`.
"""

import os
import sys

from codex_orchestrator.system.sandbox import orders
from support.contained import ORDINARY, can_be_ordinary
from support.sandbox_scene import Scene, make_scene

_OWN_ROOT = (orders.USER, orders.MOUNT, orders.PID, orders.IPC, orders.OTHER_USER)
COLUMNS = {
    "all": None,
    "own root and processes": _OWN_ROOT,
    "network namespace": (orders.USER, orders.NET),
    "Landlock": (orders.LANDLOCK,),
    "seccomp": (orders.SECCOMP,),
    "Landlock, seccomp, keyring": (orders.LANDLOCK, orders.SECCOMP, orders.KEYRING),
    "none": (),
}
"""Which layers stand in each column; None for all that work."""

_OURS = ("parent", "grandparent")


def _of_ours(*names: str) -> tuple[str, ...]:
    return tuple(f"{name} of our {who}" for name in names for who in _OURS)


ROWS = {
    "our environment, memory, descriptors": _of_ours(
        *("environ", "maps", "memory", "descriptors", "auxiliary vector"),
        *("trace", "remote read", "taking a descriptor"),
    ),
    "signals to our processes": _of_ours("signal"),
    "limits of our processes": _of_ours("limits"),
    "priority of our processes": _of_ours("priority"),
    "command lines of other processes": ("command lines of others",),
    "descriptors left open for it": ("inherited descriptors",),
    "reading keys, run store, other trees, the runner's files": (
        *("read the key", "read the run store", "read another work tree"),
        "read the runner's files",
    ),
    "writing there, to hooks, modules and outputs": (
        *("write the key", "write the run store", "write another work tree"),
        *("write the toolkit's module", "write the step's outputs", "truncate"),
        *("create a file in the home", "create a hook", "write git's settings"),
        *("write through a hard link", "write through a symbolic link", "move a file in"),
    ),
    "mode, owner, times, attributes of files there": (
        *("change mode", "change times", "change owner", "set an attribute"),
    ),
    "replacing the tree's `.git`": ("replace the tree's .git",),
    "`/etc/shadow`": ("read /etc/shadow",),
    "settings of the kernel": ("write a kernel setting",),
    "TCP to servers of the host": (
        *("tcp to the host", "tcp over IPv6 to the host", "tcp fast open to the host"),
    ),
    "Multipath TCP to servers of the host": ("multipath tcp to the host",),
    "UDP to servers of the host": ("udp to the host",),
    "unix sockets of the host, by path": (
        "unix socket of the host",
        "datagram to a unix socket",
    ),
    "unix sockets of the host, abstract": ("abstract socket of the host",),
    "vsock, packet, raw, crypto, audit sockets": (
        *("vsock", "packet socket", "raw socket", "alg socket", "netlink audit"),
    ),
    "io_uring": ("io_uring",),
    "the session's keys": ("session key",),
    "keys of its own": ("add a key",),
    "a new user namespace": ("new user namespace",),
    "mounting": ("mount",),
    "capabilities": ("capabilities",),
    "sudo and the like": ("new privileges",),
}
ALLOWED = ("loopback server", "loopback server over IPv6")
"""What a check may do: its tests start servers."""


def measure(scene: Scene, column: str) -> dict[str, str]:
    """Return for each row what was seen: `refused`, `open`, or what of it is open."""
    found, _ = scene.attempts(layers=COLUMNS[column])
    assert {name for names in ROWS.values() for name in names} | {*ALLOWED} == {*found}
    received = scene.received()
    # To send is no proof: the word has to arrive.
    found["udp to the host"] = "" if "udp" in received else "it did not arrive"
    found["datagram to a unix socket"] = "" if "unix" in received else "it did not arrive"
    cells = {}
    for row, names in ROWS.items():
        open_ones = [name for name in names if not found[name]]
        if not open_ones:
            cells[row] = "refused"
        elif len(open_ones) == len(names):
            cells[row] = "open"
        else:
            cells[row] = "open: " + ", ".join(open_ones)
    return cells


def make_table(uid: int) -> str:
    """Return the table for one user."""
    with make_scene(uid) as scene:
        columns = {column: measure(scene, column) for column in COLUMNS}
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines += [
        f"| {row} | " + " | ".join(cells[row] for cells in columns.values()) + " |" for row in ROWS
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print both tables."""
    for uid, title in ((ORDINARY, "An ordinary user"), (0, "Root")):
        if uid == os.geteuid() or can_be_ordinary():
            sys.stdout.write(f"#### {title}\n\n{make_table(uid)}\n")


if __name__ == "__main__":
    main()
