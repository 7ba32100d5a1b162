"""Reading run folders: find, list and load them, even damaged ones."""

import os
from pathlib import Path

from codex_orchestrator.model.canonical import MAX_BYTES, sha256_hex
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.manifest import Artifact, Manifest
from codex_orchestrator.model.task_state import StoredRun
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.model.versions import (
    Fields,
    NewerSchemaError,
    load_fields,
    refuse_newer,
    schema_of,
)
from codex_orchestrator.runs.documents import parse_manifest, summary_of
from codex_orchestrator.runs.paths import MANIFEST, RunPaths, checked_file_name, checked_run_id
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.text.names import is_identifier
from codex_orchestrator.text.near import did_you_mean
from codex_orchestrator.text.shown import visible

_MAX_LOG_BYTES = 8 * 1024 * 1024
_TAIL_BYTES = 4000
_TAIL_LINES = 20


class RunArchive:
    """The run folders of one repository, for reading."""

    def __init__(self, repo: Path, *, disk: Disk = DISK) -> None:
        self.paths = RunPaths(repo, disk=disk)

    def find(self, run_id: str) -> Path:
        """Return the folder of a run, given its id, the beginning of it, or TASK/RUN.

        Raises:
            InputError: there is no such run, or there are several.
        """
        task_id, _, wanted = run_id.rpartition("/")
        checked_run_id(wanted)
        found = [
            (task, run)
            for task, run in self.names()
            if run.startswith(wanted) and task_id in ("", task)
        ]
        chosen = [names for names in found if names[1] == wanted] or found
        if not chosen:
            known = [f"{task}/{run}" if task_id else run for task, run in reversed(self.names())]
            raise InputError(
                f"no run {run_id!r} in {self.paths.runs}{did_you_mean(run_id, known)}",
                fix="`codex-orchestrator runs list` shows them",
            )
        if len(chosen) > 1:
            names = ", ".join("/".join(pair) for pair in chosen[:5])
            raise InputError(
                f"{run_id!r} may be any of several runs: {names}", fix="give one of these names"
            )
        folder = self.paths.run_folder(*chosen[0])
        self.paths.check(folder)
        return folder

    def list(self) -> tuple[StoredRun, ...]:
        """Return every run folder in the order of run ids; a damaged one names its problem."""
        return tuple(self.stored(task, run) for task, run in self.names())

    def names(self) -> tuple[tuple[str, str], ...]:
        """Return task id and run id of every run folder, in the order of run ids."""
        if not self.paths.check(self.paths.runs):
            return ()
        found = [
            (task, run)
            for task in _folders(self.paths.runs)
            for run in _folders(self.paths.runs / task)
        ]
        return tuple(sorted(found, key=lambda names: (names[1], names[0])))

    def stored(self, task_id: str, run_id: str) -> StoredRun:
        """Return one run folder, even a damaged one."""
        place = f".runs/{task_id}/{run_id}"
        try:
            folder = self.paths.run_folder(task_id, run_id)
            self.paths.check(folder)
            manifest, data = _read_strictly(folder)
        except NewerSchemaError as error:
            problem = f"{error.message}; {error.fix}"
            return StoredRun(
                task_id=task_id, run_id=run_id, path=place, problem=problem, is_newer=True
            )
        except InputError as error:
            return StoredRun(task_id=task_id, run_id=run_id, path=place, problem=error.message)
        summary = summary_of(manifest, sha256_hex(data))
        return StoredRun(task_id=task_id, run_id=run_id, path=place, summary=summary)

    def load(self, run_id: str) -> Manifest:
        """Read a manifest strictly; `run_id` as in `find`.

        Raises:
            InputError: there is no such run, there are several, or its manifest is damaged.
        """
        return self.load_with_bytes(run_id)[0]

    def load_with_bytes(self, run_id: str) -> tuple[Manifest, bytes]:
        """Read a manifest strictly and return it with its bytes on disk.

        Raises:
            InputError: as `load`.
        """
        return _read_strictly(self.find(run_id))

    def failed_tails(self, manifest: Manifest) -> dict[str, str]:
        """Return the end of the log of each check that did not pass, by the log's path."""
        logs = {
            check.log_path
            for check in manifest.validations
            if check.status is not ValidationStatus.PASSED
        }
        tails = {}
        for log in (one for one in manifest.artifacts if one.path in logs):
            try:
                data = self.read_artifact(manifest, log, max_bytes=_MAX_LOG_BYTES)
            except NotCheckedError:
                tails[log.path] = "(the log is missing, too long, or not the recorded one)"
                continue
            text = visible(data[-_TAIL_BYTES:].decode("utf-8", "replace").lstrip("\ufffd"))
            tails[log.path] = "\n".join(text.rstrip().split("\n")[-_TAIL_LINES:])
        return tails

    def read_artifact(self, manifest: Manifest, artifact: Artifact, *, max_bytes: int) -> bytes:
        """Read one file of a run folder that the manifest lists, `max_bytes` long at most.

        Raises:
            NotCheckedError: it is missing, or not as the manifest says.
        """
        folder = self.paths.run_folder(manifest.task.id, manifest.run.id)
        path = folder / checked_file_name(artifact.path)
        self.paths.check(path.parent)
        fix = (
            f"codex-orchestrator runs verify {manifest.run.id} shows what changed; "
            "copy the whole run folder again from where it ran, or resume it there"
        )
        try:
            data = read_file(path, max_bytes=max_bytes)
        except FileNotFoundError as error:
            raise NotCheckedError(f"{path} is missing", fix=fix) from error
        except UnusableFileError as error:
            raise NotCheckedError(f"{path} {error.problem}", fix=fix) from error
        if sha256_hex(data) != artifact.sha256:
            raise NotCheckedError(
                f"{path} has SHA-256 {sha256_hex(data)}, the manifest says {artifact.sha256}",
                fix=fix,
            )
        return data

    def read(self, run_id: str) -> tuple[bytes, Fields]:
        """Return the manifest's bytes and its fields as they are on disk, also of an older version.

        Raises:
            NewerSchemaError: a newer version wrote it.
            InputError: there is no such run, or no JSON object in its manifest.
        """
        path = self.find(run_id) / MANIFEST
        data = _manifest_file(path)
        fields = load_fields(data, path=str(path))
        refuse_newer(fields.get("schema"), schema_of(Manifest), path=str(path))
        return data, fields


def _manifest_file(path: Path) -> bytes:
    try:
        return read_file(path, max_bytes=MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError("there is no manifest", path=str(path)) from error


def _read_strictly(folder: Path) -> tuple[Manifest, bytes]:
    """Return the manifest in a run folder, and its bytes.

    Raises:
        InputError: there is none, it is damaged, or it is of another run.
    """
    path = folder / MANIFEST
    data = _manifest_file(path)
    manifest = parse_manifest(data, source=path)
    if (manifest.task.id, manifest.run.id) != (folder.parent.name, folder.name):
        raise InputError(f"is of run {manifest.task.id}/{manifest.run.id}", path=str(path))
    return manifest, data


def _folders(path: Path) -> tuple[str, ...]:
    try:
        with os.scandir(path) as entries:
            return tuple(
                entry.name
                for entry in entries
                if is_identifier(entry.name) and not entry.is_file(follow_symlinks=False)
            )
    except NotADirectoryError:
        return ()
