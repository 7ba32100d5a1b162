"""Records that older versions of the toolkit wrote, by real runs, as a repository to work in.

`fixtures/records/v1-offline` and `v1-cloud` were written by the version of 2026-11-28 that wrote
`run-manifest.v1`. Binary files are kept as base64.
"""

import base64
import os
import shutil
from pathlib import Path

from support.project import git

RECORDS = Path(__file__).parents[1] / "fixtures" / "records"
OLD_RECORDS = tuple(sorted(path.name for path in RECORDS.iterdir()))
BINARY = ".b64"
PLACES = {"runs": ".runs", "out": "out"}


def restore_records(name: str, repo: Path) -> Path:
    """Make a repository as the older version left it: commits, refs, run folders, states."""
    repo.mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    bundle = repo / "repository.bundle"
    bundle.write_bytes(base64.b64decode((RECORDS / name / f"{bundle.name}{BINARY}").read_bytes()))
    git(repo, "fetch", "-q", "--update-head-ok", str(bundle), "+refs/*:refs/*")
    bundle.unlink()
    git(repo, "reset", "-q", "--hard", "main")
    for kept, place in PLACES.items():
        shutil.copytree(RECORDS / name / kept, repo / place)
        _make_private(repo / place)
    return repo


def _make_private(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        Path(place).chmod(0o700)
        for path in (Path(place, name) for name in names):
            if path.suffix == BINARY:
                path.with_suffix("").write_bytes(base64.b64decode(path.read_bytes()))
                path.unlink()
                path.with_suffix("").chmod(0o600)
            else:
                path.chmod(0o600)


def bytes_of(repo: Path) -> dict[str, bytes]:
    """Return the bytes of every record of a repository by its path."""
    files = (path for place in PLACES.values() for path in (repo / place).rglob("*"))
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in files
        if path.is_file() and path.suffix != ".lock" and path.name != ".gitignore"
    }


def run_of(repo: Path, task_id: str) -> str:
    """Return the id of the only run of a task."""
    (folder,) = (repo / ".runs" / task_id).iterdir()
    return folder.name
