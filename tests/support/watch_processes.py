"""Watch what a program starts: every environment, argument list and file, many times a second."""

import base64
import os
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PAUSE_S = 0.005
_FILES_PAUSE_S = 0.05
_LARGEST = 4 * 1024 * 1024


@dataclass
class Watched:
    """What was seen. `kinds` counts looks by kind of process, `leaks` names where a word stood."""

    kinds: dict[str, int] = field(default_factory=dict)
    leaks: set[str] = field(default_factory=set)
    processes: int = 0
    files: int = 0


@contextmanager
def watching(
    root: int, word: str, *, kinds: Mapping[str, str], places: Sequence[str] = ()
) -> Iterator[Watched]:
    """Watch the descendants of a process, itself left out, until the context ends.

    Args:
        root: the process.
        word: what must stand nowhere.
        kinds: a kind's name, and the text in an argument list that tells it.
        places: patterns below `/` of folders whose files are read, too.
    """
    seen, over = Watched(), threading.Event()
    forms = forms_of(word)

    def look() -> None:
        known: set[int] = set()
        next_files = 0.0
        while not over.is_set():
            for process in descendants(root):
                known.add(process)
                _look_at(process, root, forms, kinds, seen)
            seen.processes = len(known)
            if time.monotonic() >= next_files:
                for pattern in places:
                    for folder in Path("/").glob(pattern):
                        seen.leaks |= {f"file {path}" for path in files_with(word, folder, seen)}
                next_files = time.monotonic() + _FILES_PAUSE_S
            over.wait(_PAUSE_S)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def forms_of(word: str) -> tuple[bytes, ...]:
    """Return a word as it may stand in a file: plain, in hexadecimal, in base64 at any offset."""
    data = word.encode()
    shifted = [base64.b64encode(b"\0" * lead + data)[4:-4] for lead in range(3)]
    return (data, data.hex().encode(), *shifted)


def files_with(word: str, folder: Path, seen: Watched | None = None) -> list[Path]:
    """Return the files below a folder that hold a word, also in what git has compressed."""
    forms, found = forms_of(word), []
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            data = _read(path)
            if data is None:
                continue
            if seen is not None:
                seen.files += 1
            if _holds(data, forms) or (".git" in path.parts and _holds(_inflated(data), forms)):
                found.append(path)
    return found


def descendants(root: int) -> list[int]:
    """Return all processes below one, also those that a keeper among them has adopted."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(name))
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _look_at(
    process: int, root: int, forms: Sequence[bytes], kinds: Mapping[str, str], seen: Watched
) -> None:
    arguments = _read(Path(f"/proc/{process}/cmdline"))
    # For an ordinary user the kernel refuses the variables of a process that closed its memory.
    environment = _read(Path(f"/proc/{process}/environ")) or b""
    # Forked a moment ago a child is the program itself still, and not yet what is started.
    if not arguments or arguments == _read(Path(f"/proc/{root}/cmdline")):
        return
    text = arguments.replace(b"\0", b" ").decode(errors="replace")
    for kind, mark in kinds.items():
        if mark in text:
            seen.kinds[kind] = seen.kinds.get(kind, 0) + 1
    if _holds(arguments, forms):
        seen.leaks.add(f"arguments of {text[:200]}")
    if _holds(environment, forms):
        seen.leaks.add(f"environment of {text[:200]}")


def _read(path: Path) -> bytes | None:
    try:
        if not path.is_file() or path.is_symlink():
            return None
        with path.open("rb") as stream:
            return stream.read(_LARGEST)
    except OSError:
        return None


def _holds(data: bytes, forms: Sequence[bytes]) -> bool:
    return any(form in data for form in forms)


def _inflated(data: bytes) -> bytes:
    """Return what every zlib stream in a file holds: a loose object is one, a pack has many."""
    parts, at = [], data.find(b"\x78")
    while at >= 0:
        with suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(data[at:]))
        at = data.find(b"\x78", at + 1)
    return b"\0".join(parts)
