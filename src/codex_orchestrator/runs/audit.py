"""The audit log in `out/audit.log`: appended under a lock, durable before a caller continues.

Beside it `out/audit.head.json` stores where the log ends, so that appending reads one line and
not the log. Records up to that point were acknowledged: they are never repaired. Behind it, a
record that a crash cut short is saved to a side file, cut off, and the cut is recorded.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from codex_orchestrator.model.audit import AuditCheck, AuditRecord
from codex_orchestrator.model.canonical import JsonValue
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import AuditAnchor
from codex_orchestrator.runs.audit_chain import LOG, Head, make_record, parse_line, walk
from codex_orchestrator.runs.audit_tail import (
    cut_torn_record,
    damaged,
    find_head,
    head_problem,
    remember_head,
    remembered_head,
)
from codex_orchestrator.runs.flock import Rank, hold_lock
from codex_orchestrator.runs.paths import RunPaths
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.durable import sweep_folder, sync_folder, write_all
from codex_orchestrator.system.files import opened, opened_to_append

Details = Mapping[str, str | int | bool | None]
_MAX_TEXT = 4000


class FileAuditLog:
    """The hash-chained log of one repository. `wait_s`: how long to wait for other writers."""

    def __init__(
        self, repo: Path, *, clock: Callable[[], str], disk: Disk = DISK, wait_s: float = 30.0
    ) -> None:
        self._paths = RunPaths(repo, disk=disk)
        self._log = self._paths.out / "audit.log"
        self._head_file = self._paths.out / "audit.head.json"
        self._clock = clock
        self._disk = disk
        self._wait_s = wait_s
        self._seen: dict[str, tuple[int, list[AuditRecord]]] = {}

    def append(
        self,
        event: str,
        *,
        task_id: str,
        run_id: str,
        level: str = "info",
        details: Details | None = None,
        once_by: tuple[str, ...] = (),
    ) -> AuditRecord:
        """Append one record, durable before it returns, and return it.

        With `once_by`, a record of the same event, task and run with the same values of these
        details is returned instead, if there is one. It is looked up under the lock of the write.

        Raises:
            InputError: a record in the middle is damaged; names line and offset, repairs nothing.
            ServiceError: the disk is full or broken; earlier records stay.
            LockedError: other writers held the log all the time.
        """
        wanted = _shown(details or {})
        fields = self._fields(event, task_id, run_id, level, wanted)
        with self._locked(), opened_to_append(self._log, disk=self._disk) as descriptor:
            head = self._repaired_head(descriptor)
            for record in self._records_of(event, descriptor) if once_by else ():
                is_same = all(record.details.get(name) == wanted.get(name) for name in once_by)
                if is_same and (record.task_id, record.run_id) == (task_id, run_id):
                    return record
            return self._append(descriptor, fields, head=head)

    def holds(self, event: str, *, run_id: str, details: Mapping[str, str]) -> bool:
        """Say whether a record of an event of a run with these details is there.

        Raises:
            InputError: a record of the event is damaged.
            LockedError: other writers held the log all the time.
        """
        wanted = _shown(details).items()
        if not (self._paths.check(self._paths.out) and os.path.lexists(self._log)):
            return False
        with self._locked(), opened(self._log) as descriptor:
            found = self._records_of(event, descriptor)
            return any(
                record.run_id == run_id and wanted <= record.details.items() for record in found
            )

    def require_sound_end(self) -> None:
        """Check that records can be appended; a record that a crash cut short is no obstacle.

        Raises:
            NewerSchemaError: a newer version wrote the log's end, or the note of where it is.
            InputError: a record at the end is damaged.
            LockedError: other writers held the log all the time.
        """
        if not (self._paths.check(self._paths.out) and os.path.lexists(self._log)):
            return
        with self._locked(), opened(self._log) as descriptor:
            size = os.fstat(descriptor).st_size
            known = remembered_head(self._head_file)
            find_head(descriptor, log=self._log, size=size, known=known)

    def check(self, visit: Callable[[AuditRecord], None] | None = None) -> AuditCheck:
        """Walk the whole log and return what is wrong with it; `visit` sees each good record.

        Raises:
            InputError: `out` or the log is not a plain folder or file of ours.
            LockedError: other writers held the log all the time.
        """
        findings: list[Finding] = []

        def seen(record: AuditRecord) -> None:
            if record.event == "repaired":
                findings.append(_repaired(record))
            if visit:
                visit(record)

        if not self._paths.check(self._paths.out):
            return AuditCheck(0, None, ())
        # Under the lock for a moment: at this size no record is half written.
        with self._locked():
            known = remembered_head(self._head_file)
            size = self._log.lstat().st_size if os.path.lexists(self._log) else None
        if size is None:
            cut = _finding("audit-cut", 0, "the log is gone")
            return AuditCheck(0, None, (cut,) if known else ())
        with opened(self._log) as descriptor:
            head, bad = walk(descriptor, head=Head(), size=size, visit=seen)
            problem = head_problem(descriptor, size=size, head=known) if known else ""
        if bad:
            text = f"line at byte {bad.offset} {bad.reason}"
            findings.append(_finding("audit-damaged", bad.number, text))
        elif problem:
            findings.append(_finding("audit-cut", head.seq + 1, problem))
        anchor = AuditAnchor(seq=head.seq, hash=head.hash) if head.seq >= 0 else None
        return AuditCheck(head.seq + 1, anchor, tuple(findings))

    def _fields(
        self, event: str, task_id: str, run_id: str, level: str, details: dict[str, JsonValue]
    ) -> dict[str, JsonValue]:
        return {
            "timestamp": self._clock(),
            "task_id": task_id,
            "run_id": run_id,
            "level": level,
            "event": event,
            "details": details,
        }

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._paths.make(self._paths.out)
        with hold_lock(
            self._paths.out / "audit.lock",
            rank=Rank.AUDIT,
            timeout_s=self._wait_s,
            describe_holder=lambda: "another writer of the audit log",
            fix="run it again; if that fails too, find the process that holds out/audit.lock",
        ):
            yield

    def _repaired_head(self, descriptor: int) -> Head:
        """Return the head; a torn record behind it is cut off first, and that is recorded."""
        size = os.fstat(descriptor).st_size
        if size == 0:
            # Perhaps new: its name must be durable before a record in it is acknowledged.
            sync_folder(self._paths.out, disk=self._disk)
        known = remembered_head(self._head_file)
        head, bad = find_head(descriptor, log=self._log, size=size, known=known)
        if bad is None:
            return head
        sweep_folder(self._paths.out, disk=self._disk)
        torn = cut_torn_record(descriptor, log=self._log, size=size, bad=bad, disk=self._disk)
        return self._write(
            descriptor,
            self._fields("repaired", "", "", "error", _shown(torn.model_dump())),
            head=head,
        )[1]

    def _append(self, descriptor: int, fields: dict[str, JsonValue], *, head: Head) -> AuditRecord:
        record, head = self._write(descriptor, fields, head=head)
        remember_head(self._head_file, head, disk=self._disk)
        return record

    def _write(
        self, descriptor: int, fields: dict[str, JsonValue], *, head: Head
    ) -> tuple[AuditRecord, Head]:
        record, line = make_record(fields, head=head)
        try:
            write_all(descriptor, line, disk=self._disk)
        except OSError:
            with contextlib.suppress(OSError):
                self._disk.truncate(descriptor, head.end)
            raise
        self._disk.fsync(descriptor)
        return record, Head(record.seq, record.hash, head.end, head.end + len(line))

    def _records_of(self, event: str, descriptor: int) -> list[AuditRecord]:
        """Return the records of one event; reads only what was added since the last call."""
        offset, found = self._seen.get(event, (0, []))
        mark = f'"event":{json.dumps(event)}'.encode()
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            stream.seek(offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                if mark in line:
                    found.append(self._parsed(line[:-1], offset=offset))
        self._seen[event] = (offset, found)
        return found

    def _parsed(self, line: bytes, *, offset: int) -> AuditRecord:
        try:
            return parse_line(line, number=0)
        except ValueError as error:
            problem = f"the line that ends at byte {offset} is damaged: {error}"
            raise damaged(self._log, line=0, problem=problem) from error


def _shown(details: Details) -> dict[str, JsonValue]:
    """Return details that every record can hold: valid text of bounded length."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode()[:_MAX_TEXT]
        if isinstance(value, str)
        else value
        for name, value in details.items()
    }


def _repaired(record: AuditRecord) -> Finding:
    text = f"a record that a crash cut short was cut off: {json.dumps(record.details)}"
    return _finding("audit-repaired", record.seq + 1, text, severity=Severity.WARNING)


def _finding(rule: str, line: int, message: str, *, severity: Severity = Severity.ERROR) -> Finding:
    fix = "compare with the anchors in manifests and receipts, and with a copy of the log"
    return Finding(rule, severity, LOG, line, message, "" if severity != Severity.ERROR else fix)
