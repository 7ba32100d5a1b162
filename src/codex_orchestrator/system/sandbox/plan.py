"""From the bounds of a child to orders for the launcher: which paths are really meant."""

import os
import shutil
from collections.abc import Iterable, Sequence

from codex_orchestrator.model.confinement import Confinement, Network
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.git_folders import NOTHING, find_git_folders
from codex_orchestrator.system.sandbox.orders import Orders
from codex_orchestrator.system.sandbox.probe import Probe

SYSTEM_FOLDERS = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"),
    *("/nix/store", "/run/current-system", "/gnu/store", "/opt/hostedtoolcache"),
    *("/sys/devices/system/cpu", "/sys/fs/cgroup"),
)
"""What programs of the system need. `/opt`, `/var`, `/run` and `/home` hold other things too."""

PROGRAM_FOLDERS = ("bin", "sbin", "shims", "Scripts")

_NO_HOME = ("", "/", "/tmp", "/dev", "/proc", "/sys", "/run", "/var")  # noqa: S108


def make_orders(
    wanted: Confinement,
    probe: Probe,
    argv: Sequence[str],
    *,
    cwd: str,
    scratch: str,
    grace_s: float = 2.0,
) -> Orders:
    """Return the orders for one child.

    Args:
        wanted: its bounds.
        probe: which layers work here.
        argv: the command; its first item is looked up in the PATH of its environment.
        cwd: where it runs.
        scratch: a private folder with folders `home` and `tmp`; used without a mount namespace.
        grace_s: seconds between asking and killing.
    """
    has_root = orders.MOUNT in probe.works
    git = find_git_folders(wanted.git, hides_settings=has_root) if wanted.git else NOTHING
    unwanted = {orders.NET} if wanted.network is Network.OPEN else set[str]()
    links: dict[str, str] = {}
    write = _real(wanted.write, links)
    system = _outside(_real(SYSTEM_FOLDERS, links), ())
    program = [argv[0]] if os.path.isabs(argv[0]) else []
    read = _real([*wanted.read, *program, *git.read], links)
    # A tool in the checkout that a work tree belongs to does not open the checkout.
    git_places = [*git.copy, *git.lock]
    read = tuple(path for path in read if not any(_is_below(p, (path,)) for p in git_places))
    copy = _real([*wanted.caches, *git.copy], links)
    home = os.path.realpath(wanted.home) if os.path.isabs(wanted.home) else ""
    # A program right in the home, or a PATH that names it, does not open the home.
    read, copy = (
        tuple(path for path in paths if not home or not _is_below(home, (path.rstrip("/"),)))
        for paths in (read, copy)
    )
    return Orders(
        layers=probe.works - unwanted,
        argv=_command(argv),
        cwd=os.path.realpath(cwd),
        environment=tuple(wanted.environment.items()),
        system=system,
        read=_outside(read, (*system, *write, *copy)),
        write=write,
        copy=copy,
        lock=git.lock,
        links=tuple(links.items()),
        files=git.files,
        network=wanted.network.value,
        landlock_abi=probe.landlock_abi,
        limits={name: value for name, value in wanted.limits._asdict().items() if value},
        scratch=scratch,
        home="" if home in _NO_HOME or _contains(home, system) else home,
        bubblewrap=probe.bubblewrap,
        grace_ms=round(grace_s * 1000),
    )


def program_places(name: str, *, path: str, cwd: str) -> tuple[str, ...]:
    """Return what must be readable for a program: its place, and the one that it leads to.

    That is a folder when programs stand there, or the virtual environment wherever that lies;
    else the file alone. A program in the folder that the command runs in opens nothing: whoever
    may write there could link it to any place.

    Args:
        name: the program, as the first item of a command.
        path: the PATH to look it up in.
        cwd: the folder that the command runs in.
    """
    found = shutil.which(os.path.join(cwd, name) if os.sep in name else name, path=path)
    if found is None or not os.path.isabs(found) or _is_below(os.path.normpath(found), (cwd,)):
        return ()
    place = os.path.join(os.path.realpath(os.path.dirname(found)), os.path.basename(found))
    places: list[str] = []
    for file in (place, os.path.realpath(place)):
        folder = os.path.dirname(file)
        is_for_programs = os.path.basename(folder) in PROGRAM_FOLDERS
        places.append(folder if is_for_programs or folder in path.split(os.pathsep) else file)
        above = os.path.dirname(folder)
        places += [above] if os.path.isfile(os.path.join(above, "pyvenv.cfg")) else []
    return tuple(dict.fromkeys(places))


def existing_folders(home: str, folders: Iterable[str]) -> tuple[str, ...]:
    """Return which folders, given relative to a home, are there; none without a home."""
    found = (name for name in folders if home and os.path.exists(os.path.join(home, name)))
    return tuple(found)


def _command(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command whose program is named by a path without links and detours to its folder."""
    program = argv[0]
    if os.path.isabs(program):
        folder = os.path.realpath(os.path.dirname(program))
        program = os.path.join(folder, os.path.basename(program))
    return (program, *argv[1:])


def _real(paths: Iterable[str], links: dict[str, str]) -> tuple[str, ...]:
    """Return the places that paths lead to, once each; the links on the way are noted."""
    found: dict[str, None] = {}
    for path in paths:
        real = os.path.realpath(path)
        _note_links(os.path.normpath(path), links)
        if os.path.lexists(real):
            found[real] = None
    return tuple(found)


def _note_links(path: str, links: dict[str, str]) -> None:
    """Note every symbolic link that is met on the way to a path, with what it points to."""
    place, parts, hops = "/", path.strip("/").split("/"), 0
    while parts and hops < 40:
        step = os.path.normpath(os.path.join(place, parts.pop(0)))
        if not os.path.islink(step):
            place = step
            continue
        hops += 1
        target = links[step] = os.readlink(step)
        parts = [*target.strip("/").split("/"), *parts]
        place = "/" if target.startswith("/") else os.path.dirname(step)


def _outside(paths: Iterable[str], folders: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that lie in none of the folders and not below one another."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not _is_below(path, (*folders, *kept)):
            kept.append(path)
    return tuple(kept)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _contains(folder: str, paths: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") or path == folder for path in paths)
