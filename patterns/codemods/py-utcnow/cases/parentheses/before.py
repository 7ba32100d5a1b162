from datetime import (
    date,
    datetime,  # the class
)

NOW = (date.today(), datetime.utcnow())
