"""Days: written review dates as ordinal numbers in UTC."""

import re
import time

from codex_orchestrator.model.errors import InputError

_UNIX_EPOCH = 719_163
"""The ordinal of 1970-01-01."""

# Compiled when first needed, so that a hook which sees only plain days does not need the time.
_MOMENT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?: ?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2}))?"
)


def parse_day(text: str) -> int | None:
    """Return the day that a date or timestamp names, as an ordinal in UTC; None when it is none.

    A timestamp without an offset is in UTC.
    """
    if len(text) == 10:
        return _plain_day(text)
    if len(text) < 16 or not re.fullmatch(_MOMENT, text):
        return None
    from datetime import UTC, datetime

    try:
        tail = text[10:].replace(" ", "").upper()
        moment = datetime.fromisoformat(f"{text[:10]}T{tail.removeprefix('T')}")
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
        return moment.toordinal()
    except (ValueError, OverflowError):
        return None


def _plain_day(text: str) -> int | None:
    # Counted here, because importing `datetime` would take a thirtieth of the hook's time.
    if not (text[:4] + text[5:7] + text[8:]).isdecimal():
        return None
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    # Years from March to February: a leap day is their last. Month lengths repeat after 153 days.
    years = year - (month < 3)
    leap_days = years // 4 - years // 100 + years // 400
    ordinal = 365 * years + leap_days + (153 * ((month + 9) % 12) + 2) // 5 + day - 306
    # A day that no month has comes back as another one.
    return ordinal if ordinal > 0 and write_day(ordinal) == text else None


def write_day(ordinal: int) -> str:
    """Return a day as `YYYY-MM-DD`."""
    year, month, day = time.gmtime((ordinal - _UNIX_EPOCH) * 86_400)[:3]
    return f"{year:04}-{month:02}-{day:02}"


def read_day(text: str, *, field: str) -> int:
    """Return the day that a person entered, as an ordinal number in UTC.

    Raises:
        InputError: it is neither a date nor a timestamp; `field` names what it was given for.
    """
    day = parse_day(text)
    if day is None:
        raise InputError(f"{text!r} is not a valid date", field=field, fix="write it as YYYY-MM-DD")
    return day
