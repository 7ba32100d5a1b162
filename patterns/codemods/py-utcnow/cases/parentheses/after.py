from datetime import (
    date,
    datetime, timezone,  # the class
)

NOW = (date.today(), datetime.now(timezone.utc).replace(tzinfo=None))
