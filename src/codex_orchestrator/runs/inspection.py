"""Compares a run folder with its own manifest: every file is hashed again."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import Artifact, Manifest
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.verification import NOT_A_FILE, InspectedRun
from codex_orchestrator.runs.archive import RunArchive
from codex_orchestrator.runs.flock import is_locked
from codex_orchestrator.runs.paths import MANIFEST
from codex_orchestrator.system.durable import is_temporary
from codex_orchestrator.system.files import convert_storage_errors, hash_file, opened

_RESTORE = "restore the file from the uploaded artifact; the run folder must not be edited"


def inspect_run(archive: RunArchive, task_id: str, run_id: str) -> InspectedRun:
    """Hash every file of a run folder and compare with its manifest.

    In an unfinished run, files that the manifest does not list yet are not reported.
    """
    stored = archive.stored(task_id, run_id)
    problem, manifest = stored.problem, None
    findings: tuple[Finding, ...] = ()
    is_busy = not problem and is_locked(archive.paths.lock(task_id))
    # Killed between making the folder and the first manifest: nothing was acknowledged.
    if stored.is_newer or (problem and _is_empty(archive.paths.run_folder(task_id, run_id))):
        return InspectedRun(stored, None, (), is_busy=False)
    if not problem:
        try:
            manifest = archive.load(f"{task_id}/{run_id}")
            findings = tuple(_compare(manifest, archive.paths.run_folder(task_id, run_id)))
        except InputError as error:
            problem, manifest = error.message, None
    if problem:
        findings = (_finding("manifest-damaged", MANIFEST, problem),)
    placed = tuple(found._replace(path=f"{stored.path}/{found.path}") for found in findings)
    return InspectedRun(stored, manifest, placed, is_busy=is_busy)


def _is_empty(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(is_temporary(name) for name, _ in _files(folder))


def _compare(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    listed: dict[str, Artifact] = {}
    for artifact in manifest.artifacts:
        if artifact.path in listed:
            yield _finding("artifact-twice", artifact.path, "the manifest lists it twice")
        listed[artifact.path] = artifact
    present = dict(_files(folder))
    for name, artifact in listed.items():
        yield from _compare_file(folder, artifact, is_regular=present.pop(name, None))
    present.pop(MANIFEST, None)
    for name, is_regular in sorted(present.items()):
        if not is_regular:
            yield _finding(NOT_A_FILE, name, "is a link, a pipe or a device")
        elif manifest.run.state is RunState.FINISHED:
            yield _finding("file-not-listed", name, "is not in the manifest")


def _compare_file(
    folder: Path, artifact: Artifact, *, is_regular: bool | None
) -> Iterator[Finding]:
    if is_regular is None:
        yield _finding("artifact-missing", artifact.path, "is in the manifest and missing here")
        return
    try:
        path = folder / artifact.path
        with opened(path) as descriptor, convert_storage_errors(path, "read"):
            digest, size = hash_file(descriptor)
    except (InputError, FileNotFoundError) as error:
        text = error.message if isinstance(error, InputError) else "was removed meanwhile"
        yield _finding(NOT_A_FILE, artifact.path, text)
        return
    if size != artifact.bytes:
        text = f"has {size} bytes, the manifest says {artifact.bytes}"
        yield _finding("artifact-changed", artifact.path, text)
    elif digest != artifact.sha256:
        text = f"has SHA-256 {digest}, the manifest says {artifact.sha256}"
        yield _finding("artifact-changed", artifact.path, text)


def _files(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield every entry below a folder, except folders, and whether it is a regular file."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    waiting.append(Path(entry.path))
                else:
                    name = Path(entry.path).relative_to(folder).as_posix()
                    shown = name.encode("utf-8", "backslashreplace").decode()
                    yield shown, stat.S_ISREG(mode)


def _finding(rule: str, path: str, message: str) -> Finding:
    return Finding(rule, Severity.ERROR, path, 0, message, _RESTORE)
