"""Which layers work on this machine: asked once, then kept in a private file."""

import contextlib
import hashlib
import os
import selectors
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from codex_orchestrator.model.confinement import Network
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.files import read_file
from codex_orchestrator.system.folders import check_private
from codex_orchestrator.system.sandbox import kernel, orders
from codex_orchestrator.system.sandbox.child import Child
from codex_orchestrator.system.sandbox.orders import Orders

_FORMAT = "1"
# Before this version any file of the user could still be emptied.
_ABI_WITH_TRUNCATE = 3
_PATIENCE_S = 10.0
_LARGEST_ANSWER = 64 * 1024
# What makes one process of a user's be refused what another is given.
_STATUS = ("Uid:", "Gid:", "CapEff:", "NoNewPrivs:", "Seccomp:")


# What a person changes to allow or to forbid namespaces while the machine runs.
_SETTINGS = (
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/self/attr/current",
    *(f"/proc/sys/user/max_{kind}_namespaces" for kind in ("user", "mnt", "pid", "ipc", "net")),
)


class Probe(NamedTuple):
    """What was found out: layers that work, and why others do not.

    `bubblewrap` is the program to make the namespaces with; "" where it is not needed.
    """

    works: frozenset[str] = frozenset()
    refused: Mapping[str, str] = {}
    landlock_abi: int = 0
    bubblewrap: str = ""

    @property
    def contains_files(self) -> bool:
        """Say whether a child is kept from files and memory that it was not given."""
        lands = orders.LANDLOCK in self.works and self.landlock_abi >= _ABI_WITH_TRUNCATE
        return orders.MOUNT in self.works or lands

    def network(self, wanted: Network) -> Network:
        """Return what a child reaches that is to reach no more than `wanted`."""
        return Network(
            orders.network_in_force(self.works, wanted.value, bubblewrap=self.bubblewrap)
        )

    def why_not(self, *layers: str) -> str:
        """Return why layers do not work, for people; "" when they do."""
        reasons = [
            f"{layer}: {self.refused.get(layer, 'not tried')}"
            for layer in layers
            if layer not in self.works
        ]
        if orders.LANDLOCK in {*layers} & self.works and not self.contains_files:
            reasons.append(f"landlock: ABI {self.landlock_abi} does not refuse to truncate files")
        return "; ".join(reasons)

    def only(self, layers: Iterable[str]) -> "Probe":
        """Return the same with fewer layers: what a lesser kernel would offer."""
        return self._replace(works=self.works & frozenset(layers))


Layers: TypeAlias = Callable[[], Probe]
"""Tells which layers work, asked when there is something to contain."""


def probe_layers(folder: Path | None = None, *, path: str = os.defpath) -> Probe:
    """Return which layers work, from the last answer on this machine where there is one.

    Args:
        folder: private folder for the answer; None keeps none.
        path: the PATH to look for bubblewrap in.

    Raises:
        NotCheckedError: the launcher cannot be started.
    """
    if folder is None:
        return _ask(path)
    file = folder / f"layers-{_machine_key(path)}"
    found = _load(file)
    if found is None:
        found = _ask(path)
        _save(file, found)
    return found


def _ask(path: str) -> Probe:
    found = ask_launcher()
    return found if orders.MOUNT in found.works else with_bubblewrap(found, path=path)


def with_bubblewrap(probe: Probe, *, path: str, patience_s: float = _PATIENCE_S) -> Probe:
    """Return an answer with namespaces by bubblewrap, where it is installed and may make them.

    Args:
        probe: the answer without it.
        path: the PATH to look for it in.
        patience_s: seconds after which it counts as not working.
    """
    program = shutil.which("bwrap", path=path)
    if program is None or not os.path.isabs(program):
        return probe
    wanted = Orders(
        frozenset({*orders.NAMESPACES}),
        argv=("true",),
        environment=(("PATH", os.defpath),),
        system=tuple(place for place in ("/usr", "/lib", "/lib64", "/bin") if os.path.isdir(place)),
        bubblewrap=program,
    )
    with Child(wanted) as child:
        has_ended = _hear_all(child, patience_s)
        said = child.read().decode("utf-8", "replace")
    if has_ended and child.number("exit") == 0:
        works = probe.works | {*orders.NAMESPACES}
        return probe._replace(works=works, bubblewrap=program)
    why = " ".join((said or child.problem).split())[:200] or "it did not run"
    why = why if has_ended else f"{program} did not end within {patience_s:g} s"
    return probe._replace(refused={**probe.refused, orders.BUBBLEWRAP: why})


def ask_launcher(layers: Iterable[str] = orders.PROBED) -> Probe:
    """Return which of the layers work, by trying.

    Raises:
        NotCheckedError: the launcher cannot be started, or does not answer.
    """
    if not kernel.IS_LINUX:
        return Probe(refused=dict.fromkeys(layers, "there is none on this system"))
    with tempfile.TemporaryDirectory() as folder:
        wanted = Orders(
            frozenset(layers),
            system=("/usr",),
            write=(os.path.realpath(folder),),
            copy=("/etc",),
            scratch=os.path.realpath(folder),
            network="loopback",
        )
        with Child(wanted) as child:
            has_ended = _hear_all(child, _PATIENCE_S)
            if not has_ended:
                child.kill()
    if not has_ended:
        why = f"the launcher did not answer within {_PATIENCE_S:g} s"
        raise NotCheckedError(f"the layers of the sandbox cannot be tried: {why}")
    refused = dict(line.split(": ", 1) for line in child.all("refused"))
    if problem := child.problem:
        raise NotCheckedError(f"the layers of the sandbox cannot be tried: {problem}")
    return Probe(frozenset(child.all("works")), refused, child.number("landlock_abi") or 0)


def _hear_all(child: Child, patience_s: float) -> bool:
    """Take in a report to its end; return False when that takes longer than so many seconds."""
    deadline = time.monotonic() + patience_s
    with selectors.DefaultSelector() as selector:
        selector.register(child.status, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            if not child.hear():
                return True
    return False


def _machine_key(path: str) -> str:
    """Return a name for this machine since it was started, and for what this process may do."""
    facts = [_FORMAT, sys.executable, path, shutil.which("bwrap", path=path) or "", *os.uname()]
    facts += [f"{setting}={_lines(setting)}" for setting in _SETTINGS]
    facts += [line for line in _lines("/proc/self/status") if line.startswith(_STATUS)]
    for name in ("user", "mnt"):
        with contextlib.suppress(OSError):
            facts.append(os.readlink(f"/proc/self/ns/{name}"))
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _load(file: Path) -> Probe | None:
    """Return the answer in a file; None when there is none that only this user can have written."""
    try:
        check_private(file.parent)
        lines = read_file(file, max_bytes=_LARGEST_ANSWER).decode("utf-8").splitlines()
    except (OSError, InputError, ServiceError, UnicodeDecodeError):
        return None
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition("=")
        found.setdefault(name, []).append(value)
    if found.get("format") != [_FORMAT] or found.get("end") != [""]:
        return None
    return Probe(
        frozenset(found.get("works", ())),
        dict(line.split(": ", 1) for line in found.get("refused", ())),
        int(found["landlock_abi"][0]),
        found["bubblewrap"][0],
    )


def _save(file: Path, probe: Probe) -> None:
    lines = [f"format={_FORMAT}", f"landlock_abi={probe.landlock_abi}"]
    lines += [f"bubblewrap={probe.bubblewrap}"]
    lines += [f"works={layer}" for layer in sorted(probe.works)]
    lines += [f"refused={layer}: {why}" for layer, why in sorted(probe.refused.items())]
    # It can be asked again: what cannot be kept is no reason to end.
    with contextlib.suppress(OSError, InputError, NotCheckedError, ServiceError):
        check_private(file.parent)
        write_file(file, "\n".join([*lines, "end=", ""]).encode("utf-8"), is_cache=True)
