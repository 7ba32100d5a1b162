"""What a patch says: which lines it adds to which file."""

import re

QUOTED_NAME = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)")
_CONTROLS = dict(zip(b"abtnvfr", b"\a\b\t\n\v\f\r", strict=True))
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def added_lines(patch: bytes) -> dict[str, set[int]]:
    """Return the line numbers, from 1, that a `git diff` patch adds to each file.

    File names are those after the change.
    """
    found: dict[str, set[int]] = {}
    current: set[int] = set()
    old_left = new_left = number = 0
    for line in patch.split(b"\n"):
        if old_left > 0 or new_left > 0:
            if line.startswith(b"+"):
                current.add(number)
                number, new_left = number + 1, new_left - 1
            elif line.startswith(b"-"):
                old_left -= 1
            elif not line.startswith(b"\\"):
                number, old_left, new_left = number + 1, old_left - 1, new_left - 1
            continue
        if line.startswith((b"+++ b/", b'+++ "b/')):
            name = unquoted(line[4:].rstrip(b"\t")).removeprefix(b"b/")
            current = found.setdefault(name.decode("utf-8", "replace"), set())
        elif hunk := _HUNK.match(line):
            old_left = int(hunk.group(1) or 1)
            number = int(hunk.group(2))
            new_left = int(hunk.group(3) or 1)
    return found


def unquoted(name: bytes) -> bytes:
    """Return a file name as it is, given as git prints it: in quotes when it is not plain ASCII."""
    if QUOTED_NAME.fullmatch(name) is None:
        return name
    return _ESCAPE.sub(_character, name[1:-1])


def _character(found: re.Match[bytes]) -> bytes:
    code: bytes = found[1]
    if len(code) == 3:
        return bytes([int(code, 8)])
    return bytes([_CONTROLS.get(code[0], code[0])])
