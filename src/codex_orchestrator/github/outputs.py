"""The job summary of a workflow step: Markdown is appended, cut at the limit and read back."""

import re

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.text.markdown import SUMMARY_LIMIT, Markdown


def append_summary(path: str, text: Markdown) -> None:
    """Append Markdown to the job summary and read it back. Appending it twice adds nothing.

    Text beyond the step's limit is cut at a line end, with a notice.

    Raises:
        NotCheckedError: the file cannot be written, or does not contain the text afterwards.
    """
    held = _read(path)
    data = _cut_bytes(text.encode("utf-8", "replace") + b"\n", SUMMARY_LIMIT - len(held))
    if data in held:
        return
    try:
        with open(path, "ab") as stream:
            stream.write(data)
    except OSError as error:
        raise NotCheckedError(
            f"cannot write {path}: {error.strerror}", fix="check the runner's disk"
        ) from error
    if not _read(path).endswith(data):
        raise NotCheckedError(
            f"the job summary {path} does not hold what was written to it",
            fix="check the runner's disk",
        )


def _cut_bytes(data: bytes, limit: int) -> bytes:
    if len(data) <= limit:
        return data
    notice = b"\n\n_Cut here: the job summary is full. The artifact holds all of it._\n"
    room = max(limit - len(notice) - 8, 0)
    kept = data[:room].rpartition(b"\n")[0]
    # After an odd number of fences one is open; three backticks would not close a longer fence.
    fences = re.findall(rb"(?m)^(`{3,})", kept)
    return kept + (b"\n" + fences[-1] if len(fences) % 2 else b"") + notice


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise NotCheckedError(f"cannot read {path}: {error.strerror}") from error
