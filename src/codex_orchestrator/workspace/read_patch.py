"""Read a patch in either of its two forms."""

from codex_orchestrator.workspace.codex_patch import parse_codex_patch
from codex_orchestrator.workspace.patch import FileEdit, PatchError
from codex_orchestrator.workspace.unified_diff import parse_unified_diff

MAX_PATCH_BYTES = 2 * 1024 * 1024


def parse_patch(text: str) -> tuple[FileEdit, ...]:
    """Parse a unified diff, or the form that begins with `*** Begin Patch`.

    Raises:
        PatchError: names the line and what was expected there.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PatchError("the patch is not text") from error
    if len(data) > MAX_PATCH_BYTES:
        raise PatchError(
            f"the patch has {len(data)} bytes, the limit is {MAX_PATCH_BYTES}",
            fix="send several smaller patches",
        )
    lines = data.split(b"\n")
    begin = next((number for number, line in enumerate(lines) if line.strip()), 0)
    is_codex_patch = lines[begin].strip() == b"*** Begin Patch"
    edits = parse_codex_patch(lines, begin) if is_codex_patch else parse_unified_diff(lines)
    if not edits:
        raise PatchError(
            "the patch names no file",
            fix="send a unified diff (--- a/FILE, +++ b/FILE, @@) or *** Begin Patch",
        )
    return edits
