"""Days: review dates as they are written, as ordinals in UTC."""

import re
from datetime import UTC, date, datetime

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?: ?(?:[Zz]|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)


def parse_day(text: str) -> int | None:
    """Return the day that a date or timestamp names, as an ordinal in UTC; None when it is none.

    A timestamp without an offset is in UTC.
    """
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).toordinal()
        if not _MOMENT.fullmatch(text):
            return None
        tail = text[10:].replace(" ", "").upper()
        moment = datetime.fromisoformat(f"{text[:10]}T{tail.removeprefix('T')}")
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
        return moment.toordinal()
    except (ValueError, OverflowError):
        return None


def write_day(ordinal: int) -> str:
    """Return a day as `YYYY-MM-DD`."""
    return date.fromordinal(ordinal).isoformat()


def today(seconds: float) -> int:
    """Return the day of a moment given in seconds since 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).toordinal()
