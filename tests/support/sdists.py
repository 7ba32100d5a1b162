"""Source distributions from the package index: pinned by hash, kept in `.cache/real`."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import filelock

from codex_orchestrator.text.names import path_problem

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "real"
MOST_BYTES = 5 * 1024 * 1024


class Sdist(NamedTuple):
    """One pinned source distribution. `sha256` is of the archive."""

    name: str
    version: str
    sha256: str


def fetch(sdist: Sdist) -> Path:
    """Return the archive, downloaded by pip when the cache does not hold those very bytes."""
    folder = CACHE / sdist.sha256
    with filelock.FileLock(_made(CACHE) / f"{sdist.sha256}.lock", timeout=100):
        found = [path for path in sorted(_made(folder).glob("*.tar.gz")) if _matches(path, sdist)]
        if not found:
            _download(sdist, folder)
            found = [path for path in sorted(folder.glob("*.tar.gz")) if _matches(path, sdist)]
    assert found, f"no archive of {sdist.name} with the pinned hash after the download"
    return found[0]


def unpack(archive: Path, into: Path) -> Path:
    """Extract files and folders, nothing outside the folder, and return its one top folder."""
    with tarfile.open(archive, "r:gz") as tar:
        members = tar.getmembers()
        assert sum(member.size for member in members) <= MOST_BYTES, "larger than expected"
        for member in members:
            target = into / member.name
            assert path_problem(member.name) == "", f"{member.name!r} {path_problem(member.name)}"
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            assert member.isfile(), f"{member.name!r} is neither file nor folder"
            target.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None
            target.write_bytes(content.read())
    (top,) = into.iterdir()
    return top


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _matches(path: Path, sdist: Sdist) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == sdist.sha256


def _download(sdist: Sdist, folder: Path) -> None:
    pin = folder / "requirement.txt"
    pin.write_text(f"{sdist.name}=={sdist.version} --hash=sha256:{sdist.sha256}\n", "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
            *("--disable-pip-version-check", "--require-hashes", "--no-deps"),
            *("--no-binary", sdist.name, "--dest", str(folder), "--requirement", str(pin)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{sdist.name} {sdist.version} could not be downloaded; this test needs the network "
        f"once, then {folder} holds it:\n{done.stderr[-2000:]}"
    )
