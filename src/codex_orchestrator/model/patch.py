"""What a patch says: which lines it adds to which file."""

import re

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def added_lines(patch: bytes) -> dict[str, set[int]]:
    """Return the line numbers, from 1, that a `git diff` patch adds to each file.

    File names are those after the change, as git prints them without quoting
    (`core.quotePath=false`); a quoted name is left out.
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
        if line.startswith(b"+++ b/"):
            current = found.setdefault(line[6:].rstrip(b"\t").decode("utf-8", "replace"), set())
        elif hunk := _HUNK.match(line):
            old_left = int(hunk.group(1) or 1)
            number = int(hunk.group(2))
            new_left = int(hunk.group(3) or 1)
    return found
