from datetime import datetime, timedelta, timezone

START = datetime.now(timezone.utc).replace(tzinfo=None)


def later():
    return datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=1)


clock = datetime.utcnow
