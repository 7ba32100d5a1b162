"""The clock of this machine, in the one form that records and messages use."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the present moment as RFC 3339 text in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
