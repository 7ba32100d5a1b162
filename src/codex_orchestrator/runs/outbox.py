"""What was sent: one receipt for each run and catalog, and the CI artifact of a run.

A finished run folder is the outbox entry; its receipt in `out/<task>/receipts/` says that
it was sent. Run folders themselves never change after the end of a run.
"""

import os
from pathlib import Path
from typing import TypeVar

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.receipt import Receipt, RecordedArtifact
from codex_orchestrator.model.versions import read_document
from codex_orchestrator.runs.paths import RunPaths, checked_run_id
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.durable import sweep_folder, write_file
from codex_orchestrator.system.files import read_file

_T = TypeVar("_T", bound=Document)
_MAX_BYTES = 64 * 1024


class Outbox:
    """The receipts and recorded artifacts of one repository."""

    def __init__(self, repo: Path, *, disk: Disk = DISK) -> None:
        self._paths = RunPaths(repo, disk=disk)
        self._disk = disk

    def sent(self, task_id: str, *, catalog: str) -> frozenset[str]:
        """Return the ids of a task's runs that have a receipt of a catalog; opens no file."""
        folder = self._paths.task_out(task_id) / "receipts"
        if not self._paths.check(folder):
            return frozenset()
        ending = _ending(catalog)
        return frozenset(
            name.removesuffix(ending) for name in os.listdir(folder) if name.endswith(ending)
        )

    def receipt(self, task_id: str, run_id: str, *, catalog: str) -> Receipt | None:
        """Return the receipt of a run; None when there is none.

        Raises:
            InputError: it is damaged, or a newer version wrote it.
        """
        return self._read(self._receipt_file(task_id, run_id, catalog), Receipt)

    def keep(self, receipt: Receipt) -> None:
        """Write a receipt, durable before this returns."""
        path = self._receipt_file(receipt.task_id, receipt.run_id, receipt.catalog)
        self._write(path, receipt)

    def artifact(self, task_id: str, run_id: str) -> RecordedArtifact | None:
        """Return where CI keeps a run's folder; None when that was not recorded.

        Raises:
            InputError: the record is damaged, or a newer version wrote it.
        """
        return self._read(self._artifact_file(task_id, run_id), RecordedArtifact)

    def record_artifact(self, artifact: RecordedArtifact) -> None:
        """Write where CI keeps a run's folder, durable before this returns."""
        self._write(self._artifact_file(artifact.task_id, artifact.run_id), artifact)

    def sweep(self, task_id: str) -> None:
        """Remove temporary files that killed writers left in the folder of receipts."""
        folder = self._paths.task_out(task_id) / "receipts"
        if self._paths.check(folder):
            sweep_folder(folder, disk=self._disk)

    def _receipt_file(self, task_id: str, run_id: str, catalog: str) -> Path:
        folder = self._paths.task_out(task_id) / "receipts"
        return folder / f"{checked_run_id(run_id)}{_ending(catalog)}"

    def _artifact_file(self, task_id: str, run_id: str) -> Path:
        return self._paths.task_out(task_id) / "artifacts" / f"{checked_run_id(run_id)}.json"

    def _write(self, path: Path, document: Document) -> None:
        self._paths.make(path.parent)
        text = document.model_dump_json(by_alias=True, indent=2)
        write_file(path, text.encode() + b"\n", disk=self._disk)

    def _read(self, path: Path, kind: type[_T]) -> _T | None:
        if not self._paths.check(path.parent):
            return None
        try:
            data = read_file(path, max_bytes=_MAX_BYTES)
        except FileNotFoundError:
            return None
        fix = "remove the file; it is written again"
        return read_document(data, kind, path=str(path), fix=fix)


def _ending(catalog: str) -> str:
    # A run may be sent to several catalogs: a receipt for each.
    return f".{sha256_hex(catalog.encode())[:12]}.json"
