"""Run a program where there is no network but loopback, and count what tried to get out."""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

from support.missing import missing

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1


def run_without_network(program: str, *arguments: str) -> str:
    """Run a Python program in a network namespace of its own and return what it printed.

    It calls `loopback_up` first. Skips the test where such a namespace cannot be made; fails in CI.
    """
    if shutil.which("unshare") is None:
        missing("no `unshare` to take the network away with")
    inside = ["unshare", "--user", "--map-root-user", "--net"]
    trial = subprocess.run([*inside, "true"], capture_output=True, check=False)
    if trial.returncode:
        missing(f"no network namespace can be made here: {trial.stderr!r}")
    tests = str(Path(__file__).resolve().parents[1])
    begin = f"import sys; sys.path.insert(0, {tests!r})\n"
    argv = [*inside, sys.executable, "-c", begin + program, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loopback_up() -> None:
    """Switch loopback on; in a new namespace it is off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(control, _GET_FLAGS, request))
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def attempts_to_get_out() -> int:
    """Return how often something tried to reach somebody since the namespace was made.

    The kernel counts packets without a way to their address. Where names are resolved by a
    service on this machine, a question to it finds no listener in the namespace, and counts too.
    """
    rows = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    four: dict[str, int] = {}
    for names, values in zip(rows[::2], rows[1::2], strict=True):
        pairs = zip(names[1:], values[1:], strict=True)
        four |= {f"{names[0]}{name}": int(value) for name, value in pairs}
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return (
        four["Ip:OutNoRoutes"]
        + four["Udp:NoPorts"]
        + int(six["Ip6OutNoRoutes"])
        + int(six["Udp6NoPorts"])
    )
