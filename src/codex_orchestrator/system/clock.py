"""The time of this machine, in the format of records and messages."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the current time as RFC 3339 text in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
