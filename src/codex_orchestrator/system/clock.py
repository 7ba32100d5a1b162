"""The time of this machine, in the format of records and messages, and how long to pause."""

import random
from datetime import UTC, datetime


def utc_now() -> str:
    """Return the current time as RFC 3339 text in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def jitter() -> float:
    """Return a factor around 1 for a pause, so that many clients do not try again at once."""
    return random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, not for security
