"""Find a hunk's lines in a file and put the new ones in their place."""

import operator
from collections.abc import Callable, Sequence
from io import BytesIO

from codex_orchestrator.workspace.patch import Hunk, HunkLine, PatchError

_SHOWN = 5


def apply_hunks(data: bytes, hunks: Sequence[Hunk], *, path: str) -> bytes:
    """Return a file's new bytes.

    Lines are compared exactly; then, where no place fits, ignoring white space at their
    ends (so a diff with LF fits a file with CRLF). A hunk that fits more than one place
    is refused, unless its line number or an anchor selects one.

    Raises:
        PatchError: a hunk fits nowhere, or in more than one place.
    """
    # splitlines would also end a line at a lone carriage return.
    lines = BytesIO(data).readlines()
    result: list[bytes] = []
    done = 0
    for hunk in hunks:
        at, is_exact = _find(lines, hunk, done, path=path)
        result += lines[done:at]
        old = lines[at : at + len(hunk.old)]
        result += _replaced(old, hunk.lines, is_exact=is_exact)
        done = at + len(old)
    result += lines[done:]
    # The last line may have had no line end, and may have lines after it now.
    whole = [line if line.endswith(b"\n") else line + b"\n" for line in result[:-1]]
    return b"".join([*whole, *result[-1:]])


def _replaced(old: list[bytes], lines: Sequence[HunkLine], *, is_exact: bool) -> list[bytes]:
    is_dos = not is_exact and bool(old) and all(line.endswith(b"\r\n") for line in old)
    standing = iter(old)
    result = []
    for line in lines:
        if line.tag == "+":
            is_short = is_dos and line.text.endswith(b"\n") and not line.text.endswith(b"\r\n")
            result.append(line.text[:-1] + b"\r\n" if is_short else line.text)
            continue
        kept = next(standing)
        if line.tag == " ":
            result.append(kept)
    return result


def _find(lines: list[bytes], hunk: Hunk, begin: int, *, path: str) -> tuple[int, bool]:
    old = hunk.old
    after = _after_anchors(lines, hunk, begin, path=path)
    if not old:
        return _insertion(lines, hunk, after), True
    for is_exact, same in ((True, operator.eq), (False, _alike)):
        expected = hunk.start - 1
        if hunk.start and expected >= after and _fits(lines, old, expected, same):
            return expected, is_exact
        places = [at for at in range(after, len(lines)) if _fits(lines, old, at, same)]
        if hunk.is_at_end:
            places = [at for at in places if at + len(old) == len(lines)]
        if len(places) == 1 or (places and hunk.anchors):
            return places[0], is_exact
        if places:
            candidates = ", ".join(str(at + 1) for at in places[:_SHOWN])
            raise PatchError(
                f"the hunk at line {hunk.number} of the patch fits {len(places)} places "
                f"(lines {candidates})",
                path=path,
                fix="add more context lines",
            )
    raise PatchError(
        f"the hunk at line {hunk.number} of the patch fits nowhere; it looks for "
        f"{_shown(old[0])}{' and what follows' if len(old) > 1 else ''}",
        path=path,
        fix="read the file again and send a new patch",
    )


def _insertion(lines: list[bytes], hunk: Hunk, after: int) -> int:
    if hunk.anchors:
        return after
    if hunk.start:
        return max(after, min(hunk.start - 1, len(lines)))
    return len(lines)


def _after_anchors(lines: list[bytes], hunk: Hunk, begin: int, *, path: str) -> int:
    at = begin
    for anchor in hunk.anchors:
        found = next((n for n in range(at, len(lines)) if lines[n].strip() == anchor), -1)
        if found < 0:
            found = next((n for n in range(at, len(lines)) if anchor in lines[n]), -1)
        if found < 0:
            message = f"no line {_shown(anchor)} after line {at}"
            raise PatchError(message, path=path, fix="fix the @@ line")
        at = found + 1
    return at


def _fits(
    lines: list[bytes], old: Sequence[bytes], at: int, same: Callable[[bytes, bytes], bool]
) -> bool:
    return at + len(old) <= len(lines) and all(map(same, lines[at : at + len(old)], old))


def _alike(left: bytes, right: bytes) -> bool:
    return left.rstrip() == right.rstrip()


def _shown(line: bytes) -> str:
    return repr(line.decode("utf-8", "replace").rstrip()[:80])
