"""Fences: the two `---` lines around front matter, found in bytes."""

BOM = b"\xef\xbb\xbf"


def split(data: bytes) -> tuple[int, int, int] | None:
    """Return where front matter starts and ends, and where the body starts; None when odd.

    None stands for: no first line `---`, or no closing one within the data.
    """
    if data.startswith(b"---\n"):
        end = data.find(b"\n---\n", 3)
        if end >= 0 and data.find(b"\n---", 3) == end:
            return 4, end + 1, end + 5
    at = len(BOM) if data.startswith(BOM) else 0
    start = data.find(b"\n", at) + 1
    if start == 0 or data[at:start].rstrip() != b"---" or not data.startswith(b"---", at):
        return None
    end = data.find(b"---", start)
    while end >= 0:
        stop = data.find(b"\n", end)
        after = len(data) if stop < 0 else stop + 1
        if data[end - 1 : end] == b"\n" and data[end:after].rstrip() == b"---":
            return start, end, after
        end = data.find(b"\n---", end) + 1 or -1
    return None
