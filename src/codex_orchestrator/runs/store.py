"""Run folders and task state as files.

The manifest's bytes on disk are its RFC 8785 bytes and nothing else, so its hash is the hash of
the file. `state.json` is a cache: it can be rebuilt from the manifests at any time.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.canonical import MAX_BYTES, sha256_hex
from codex_orchestrator.model.errors import InputError, LockedError
from codex_orchestrator.model.manifest import Artifact, Manifest
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.task_state import RunSummary, TaskState
from codex_orchestrator.model.verification import InspectedRun
from codex_orchestrator.model.versions import NewerSchemaError
from codex_orchestrator.runs.archive import RunArchive
from codex_orchestrator.runs.documents import (
    manifest_bytes,
    parse_manifest,
    parse_state,
    state_of,
    summary_of,
)
from codex_orchestrator.runs.inspection import inspect_run
from codex_orchestrator.runs.paths import MANIFEST, checked_file_name
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.durable import sweep_folder, sync_folder, write_file
from codex_orchestrator.system.files import convert_storage_errors, hash_file, opened, read_file

_TRASH = ".removed-"


def new_run_id(clock: Callable[[], str], suffix: str) -> str:
    """Return the id of a new run: ids sort by time, `suffix` (4 hex digits) makes them unique.

    Raises:
        ValueError: the clock or the suffix is not of the agreed form.
    """
    moment = re.sub(r"[-:]|\.[0-9]+", "", clock()).lower()
    run_id = f"{moment}-{suffix}"
    if re.fullmatch(r"[0-9]{8}t[0-9]{6}z-[0-9a-f]{4,16}", run_id) is None:
        raise ValueError(f"{run_id!r} is not a run id")
    return run_id


class _Written(NamedTuple):
    """A manifest as this process wrote it last, and its bytes."""

    data: bytes
    manifest: Manifest


class FileRunStore(RunArchive):
    """`.runs/<task>/<run>/` and `out/<task>/state.json` of one repository."""

    def __init__(self, repo: Path, *, disk: Disk = DISK) -> None:
        super().__init__(repo, disk=disk)
        self._disk = disk
        # What this process has written itself need not be parsed again.
        self._written: dict[Path, _Written] = {}

    def create(self, task_id: str, run_id: str) -> Path:
        """Make the folder of a new run, durable and private.

        Raises:
            NewerSchemaError: a newer version wrote the task's state file.
            InputError: the run exists, or others can write to `.runs`.
        """
        self.refuse_newer_state(task_id)
        folder = self.paths.run_folder(task_id, run_id)
        if not self.paths.make(folder):
            raise InputError(f"run {run_id} of task {task_id} exists", fix="resume it (--resume)")
        return folder

    def save(self, manifest: Manifest) -> str:
        """Write the manifest durably and return the SHA-256 of its bytes on disk.

        One that says the same in an older version stays as it is.

        Raises:
            LockedError: a higher attempt has taken the run over.
            NewerSchemaError: a newer version wrote its manifest.
            InputError: the run is finished.
        """
        data = manifest_bytes(manifest)
        folder = self._folder(manifest)
        if manifest.run.state is RunState.FINISHED:
            sweep_folder(folder, disk=self._disk)
        # Read again just before the rename: a process may have slept while it lost its lock.
        path = folder / MANIFEST
        kept = self._kept(path, manifest)
        if kept is None:
            write_file(path, data, disk=self._disk)
            self._written[path] = _Written(data, manifest)
        return sha256_hex(data if kept is None else kept)

    def artifact(self, manifest: Manifest, name: str, data: bytes, *, kind: str) -> Artifact:
        """Write one file of the run folder and return its facts.

        Raises:
            InputError: the name leaves the folder, or the run is finished.
        """
        folder = self._folder(manifest)
        path = folder / checked_file_name(name)
        if manifest.run.state is RunState.FINISHED:
            raise InputError(f"run {manifest.run.id} is finished", path=str(path))
        self.paths.make(path.parent)
        write_file(path, data, disk=self._disk)
        return Artifact(path=name, kind=kind, sha256=sha256_hex(data), bytes=len(data))

    def register(self, manifest: Manifest, path: Path, *, kind: str) -> Artifact:
        """Return the facts of a file in the run folder, after it is on the disk.

        `path` is absolute or relative to the run folder.

        Raises:
            InputError: it is outside, missing, or not a regular file.
        """
        folder = self._folder(manifest)
        try:
            name = checked_file_name((folder / path).relative_to(folder).as_posix())
            self.paths.check((folder / name).parent)
            os.lstat(folder / name)
            with convert_storage_errors(folder / name, "sync"):
                digest, size = self._sync_and_hash(folder, name)
        except (ValueError, FileNotFoundError) as error:
            raise InputError(f"{path} is not a file of the run folder {folder}") from error
        return Artifact(path=name, kind=kind, sha256=digest, bytes=size)

    def inspect(self, task_id: str, run_id: str) -> InspectedRun:
        """Hash every file of a run folder and compare with its manifest."""
        return inspect_run(self, task_id, run_id)

    def summarize(self, manifest: Manifest, manifest_sha256: str) -> None:
        """Put the run into the task's state file; the same run twice changes nothing.

        Raises:
            NewerSchemaError: a newer version wrote the state file.
        """
        task_id = manifest.task.id
        try:
            known = self.state(task_id).runs
        except NewerSchemaError:
            raise
        except (InputError, FileNotFoundError):
            known = self._summaries(task_id)
        others = tuple(run for run in known if run.run_id != manifest.run.id)
        self._write_state(state_of(task_id, (*others, summary_of(manifest, manifest_sha256))))

    def remove(self, task_id: str, run_id: str) -> None:
        """Remove a run's folder and its line in the state file; the folder goes in one step."""
        folder = self.paths.run_folder(task_id, run_id)
        self.paths.check(folder)
        trash = folder.with_name(f"{_TRASH}{run_id}")
        with convert_storage_errors(folder, "remove"):
            self._disk.replace(str(folder), str(trash))
            sync_folder(folder.parent, disk=self._disk)
            for left in folder.parent.glob(f"{_TRASH}*"):
                shutil.rmtree(left)
        self._write_state(state_of(task_id, self._summaries(task_id)))

    def rebuild(self, task_id: str) -> TaskState:
        """Write the task's state file again from the manifests and return it.

        Raises:
            NewerSchemaError: a newer version wrote the state file, or the manifest of a run.
        """
        for run in (self.stored(task, run) for task, run in self.names() if task == task_id):
            if run.is_newer:
                self.load(f"{task_id}/{run.run_id}")
        state = state_of(task_id, self._summaries(task_id))
        self._write_state(state)
        return state

    def refuse_newer_state(self, task_id: str) -> None:
        """Check that the task's state file, where there is one, may be written over.

        Raises:
            NewerSchemaError: a newer version wrote it.
        """
        try:
            self.state(task_id)
        except NewerSchemaError:
            raise
        except (InputError, FileNotFoundError):
            return

    def state(self, task_id: str) -> TaskState:
        """Read the task's state file strictly.

        Raises:
            FileNotFoundError: there is none.
            InputError: it is damaged, or a newer version wrote it.
        """
        path = self.paths.task_out(task_id) / "state.json"
        if not self.paths.check(path.parent):
            raise FileNotFoundError(path)
        return parse_state(read_file(path, max_bytes=MAX_BYTES), source=path)

    def _sync_and_hash(self, folder: Path, name: str) -> tuple[str, int]:
        with opened(folder / name) as descriptor:
            self._disk.fsync(descriptor)
            digest, size = hash_file(descriptor)
        for part in Path(name).parents:
            sync_folder(folder / part, disk=self._disk)
        return digest, size

    def _write_state(self, state: TaskState) -> None:
        self.refuse_newer_state(state.task_id)
        folder = self.paths.task_out(state.task_id)
        self.paths.make(folder)
        sweep_folder(folder, disk=self._disk)
        text = state.model_dump_json(by_alias=True, indent=2)
        write_file(folder / "state.json", text.encode() + b"\n", disk=self._disk)

    def _summaries(self, task_id: str) -> tuple[RunSummary, ...]:
        stored = (self.stored(task, run) for task, run in self.names() if task == task_id)
        return tuple(run.summary for run in stored if run.summary is not None)

    def _folder(self, manifest: Manifest) -> Path:
        folder = self.paths.run_folder(manifest.task.id, manifest.run.id)
        if not self.paths.check(folder):
            raise InputError(f"run folder {folder} is gone", fix="start a new run")
        return folder

    def _kept(self, path: Path, manifest: Manifest) -> bytes | None:
        """Return the bytes on disk when they say what a manifest says; None to replace them."""
        try:
            there = read_file(path, max_bytes=MAX_BYTES)
        except FileNotFoundError:
            return None
        ours = self._written.get(path)
        if ours is not None and ours.data == there:
            known = ours.manifest
        else:
            known = parse_manifest(there, source=path)
        if known.run.attempt > manifest.run.attempt:
            raise LockedError(
                f"run {known.run.id} was taken over by attempt {known.run.attempt}; "
                f"this is attempt {manifest.run.attempt}",
                fix="leave it to the newer one",
            )
        if known == manifest:
            return there
        if known.run.state is RunState.FINISHED:
            raise InputError(
                "is finished and must not change", path=str(path), fix="start a new run"
            )
        return None
