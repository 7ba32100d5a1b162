"""The end of the audit log: where it is, how it is stored, and what a crash left there."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import Sha256
from codex_orchestrator.model.versions import NewerSchemaError, read_document
from codex_orchestrator.runs.audit_chain import BadLine, Head, parse_line, walk
from codex_orchestrator.system.disk import Disk
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.files import read_file


class _HeadFile(Document):
    schema_: Literal["audit-head.v2"] = Field(alias="schema", default="audit-head.v2")
    seq: int = Field(ge=0)
    hash: Sha256
    start: int = Field(ge=0)
    end: int = Field(ge=1)


class Torn(Document):
    """What was cut off: where, how many bytes, and the file that keeps them."""

    offset: int
    length: int
    saved: str
    sha256: Sha256


def remembered_head(path: Path) -> Head | None:
    """Return the head that a side file remembers; None when there is none, or it is damaged.

    Raises:
        NewerSchemaError: a newer version wrote it.
    """
    try:
        data = read_file(path, max_bytes=4096)
        found = read_document(data, _HeadFile, path=str(path), fix="remove it")
    except NewerSchemaError:
        raise
    except (FileNotFoundError, InputError):
        return None
    return Head(found.seq, found.hash, found.start, found.end)


def remember_head(path: Path, head: Head, *, disk: Disk) -> None:
    """Write the side file. It is a cache that is checked when read, so it is not synced."""
    text = _HeadFile(**head._asdict()).model_dump_json(by_alias=True)
    write_file(path, text.encode() + b"\n", disk=disk, is_cache=True)


def head_problem(descriptor: int, *, size: int, head: Head) -> str:
    """Say why the log does not hold the record that a head names; "" when it does."""
    if head.end > size:
        return (
            f"has {size} bytes and had {head.end}: "
            f"records up to number {head.seq} were acknowledged"
        )
    line = os.pread(descriptor, head.end - head.start, head.start)
    if not line.endswith(b"\n"):
        return f"record {head.seq} at byte {head.start} is damaged: it does not end its line"
    try:
        record = parse_line(line[:-1], number=head.seq + 1)
    except ValueError as error:
        return f"record {head.seq} at byte {head.start} is damaged: {error}"
    if (record.seq, record.hash) != (head.seq, head.hash):
        return f"record {head.seq} at byte {head.start} is not the record that was acknowledged"
    return ""


def find_head(
    descriptor: int, *, log: Path, size: int, known: Head | None
) -> tuple[Head, BadLine | None]:
    """Return the true head of a log, and the torn record behind it if there is one.

    Reads from the known head on; without one, the whole log.

    Raises:
        InputError: an acknowledged record, or one with records behind it, is damaged or missing.
    """
    if known is not None:
        problem = head_problem(descriptor, size=size, head=known)
        if problem:
            raise damaged(log, line=known.seq + 1, problem=problem)
    head, bad = walk(descriptor, head=known or Head(), size=size)
    if bad is not None and not bad.is_last:
        raise damaged(log, line=bad.number, problem=f"line at byte {bad.offset} {bad.reason}")
    return head, bad


def damaged(log: Path, *, line: int, problem: str) -> InputError:
    """Return the error that stops every writer of a damaged log."""
    return InputError(
        f"{problem}; nothing was repaired",
        path=str(log),
        line=line,
        fix=f"keep the file as evidence; restore it from a copy, or move {log.name} and "
        f"{log.stem}.head.json away to begin a new log",
    )


def cut_torn_record(descriptor: int, *, log: Path, size: int, bad: BadLine, disk: Disk) -> Torn:
    """Save what a crash left behind the last good record, then cut it off."""
    data = os.pread(descriptor, size - bad.offset, bad.offset)
    digest = sha256_hex(data)
    saved = log.with_name(f"{log.name}.torn-{bad.offset}-{digest[:8]}")
    write_file(saved, data, disk=disk)
    disk.truncate(descriptor, bad.offset)
    disk.fsync(descriptor)
    return Torn(offset=bad.offset, length=len(data), saved=saved.name, sha256=digest)
