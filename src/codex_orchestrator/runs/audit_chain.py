"""The chain of the audit log: records as lines, and a walk along the lines of a file.

Each line is the RFC 8785 form of a record. `hash` covers all other fields, `prev` is the hash of
the line before. The chain shows the order and accidental damage; whoever can write the file
can rewrite all of it, so manifests and receipts, which leave the machine, hold anchors.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.canonical import (
    CanonicalError,
    JsonValue,
    canonical_bytes,
    load_strict,
    sha256_hex,
)
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.versions import NewerSchemaError, read_document, schema_of

LOG = "out/audit.log"
GENESIS = "0" * 64
MAX_LINE = 64 * 1024
_CHUNK = 1024 * 1024


class Head(NamedTuple):
    """Where a log ends: number and hash of its newest record, and where it starts and ends."""

    seq: int = -1
    hash: str = GENESIS
    start: int = 0
    end: int = 0


class BadLine(NamedTuple):
    """The first line that does not continue the chain. `is_last`: nothing follows it."""

    offset: int
    number: int
    reason: str
    is_last: bool


def make_record(fields: dict[str, JsonValue], *, head: Head) -> tuple[AuditRecord, bytes]:
    """Return the record that follows a head, and its line.

    Raises:
        InputError: the record is too long for a line.
    """
    schema = str(schema_of(AuditRecord))
    body: dict[str, JsonValue] = {
        **fields,
        "schema": schema,
        "seq": head.seq + 1,
        "prev": head.hash,
    }
    body["hash"] = sha256_hex(canonical_bytes(body))
    line = canonical_bytes(body) + b"\n"
    if len(line) > MAX_LINE:
        raise InputError(f"an audit record of {len(line)} bytes; the limit is {MAX_LINE}")
    return AuditRecord.model_validate_json(line, strict=True), line


def parse_line(line: bytes, *, number: int) -> AuditRecord:
    """Parse one line, without its newline, and check the hash that it carries.

    Args:
        line: the bytes.
        number: the line's number, from 1, for messages.

    Raises:
        NewerSchemaError: a newer version wrote it.
        ValueError: says what is wrong with it.
    """
    body = load_strict(line)
    if not isinstance(body, dict) or canonical_bytes(body) != line:
        raise CanonicalError("is not a JSON object in canonical form")
    try:
        record = read_document(line, AuditRecord, path=LOG, line=number, fix="", fields=body)
    except NewerSchemaError:
        raise
    except InputError as error:
        raise CanonicalError(error.problem) from error
    del body["hash"]
    if sha256_hex(canonical_bytes(body)) != record.hash:
        raise CanonicalError("its hash is not the hash of its fields")
    return record


def walk(
    descriptor: int,
    *,
    head: Head,
    size: int,
    visit: Callable[[AuditRecord], None] | None = None,
) -> tuple[Head, BadLine | None]:
    """Read a log from a head to `size`; return the last good head, and what broke the chain.

    Reads in pieces: the log may be longer than memory.
    """
    pending = b""
    while head.end + len(pending) < size:
        at = head.end + len(pending)
        piece = os.pread(descriptor, min(_CHUNK, size - at), at)
        if not piece:
            break
        pending += piece
        while (cut := pending.find(b"\n")) >= 0:
            line, pending = pending[:cut], pending[cut + 1 :]
            try:
                record = _following(line, head=head)
            except ValueError as error:
                return head, _bad(head, str(error), is_last=head.end + cut + 1 >= size)
            head = Head(record.seq, record.hash, head.end, head.end + cut + 1)
            if visit:
                visit(record)
        if len(pending) > MAX_LINE:
            return head, _bad(head, f"is longer than {MAX_LINE} bytes", is_last=False)
    if pending:
        return head, _bad(head, "is not complete", is_last=True)
    return head, None


def _following(line: bytes, *, head: Head) -> AuditRecord:
    record = parse_line(line, number=head.seq + 2)
    if record.seq != head.seq + 1:
        raise CanonicalError(f"has number {record.seq}, expected {head.seq + 1}")
    if record.prev != head.hash:
        raise CanonicalError("does not name the hash of the line before")
    return record


def _bad(head: Head, reason: str, *, is_last: bool) -> BadLine:
    return BadLine(offset=head.end, number=head.seq + 2, reason=reason, is_last=is_last)
