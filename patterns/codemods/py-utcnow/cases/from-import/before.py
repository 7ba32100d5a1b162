from datetime import datetime, timedelta

START = datetime.utcnow()


def later():
    return datetime.utcnow() + timedelta(hours=1)


clock = datetime.utcnow
