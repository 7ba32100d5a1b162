"""Days: written review dates as ordinal numbers in UTC."""

import re
from datetime import UTC, date, datetime

from codex_orchestrator.model.errors import InputError

# Compiled when first needed, so that a hook which sees only plain days does not need the time.
_MOMENT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?: ?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2}))?"
)


def parse_day(text: str) -> int | None:
    """Return the day that a date or timestamp names, as an ordinal in UTC; None when it is none.

    A timestamp without an offset is in UTC.
    """
    try:
        if len(text) == 10 and text[4] == text[7] == "-" and text.isascii():
            return date.fromisoformat(text).toordinal()
        if len(text) < 16 or not re.fullmatch(_MOMENT, text):
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


def read_day(text: str, *, field: str) -> int:
    """Return the day that a person entered, as an ordinal number in UTC.

    Raises:
        InputError: it is neither a date nor a timestamp; `field` names what it was given for.
    """
    day = parse_day(text)
    if day is None:
        raise InputError(f"{text!r} is not a valid date", field=field, fix="write it as YYYY-MM-DD")
    return day
