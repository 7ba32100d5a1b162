"""How many tokens all turns of a bridge may use together."""

import threading


class TokenBudget:
    """Counts tokens of turns that may run at the same time; a `limit` of None means no bound."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._spent = 0
        self._lock = threading.Lock()

    def spend(self, tokens: int) -> None:
        """Count tokens that a turn used."""
        with self._lock:
            self._spent += tokens

    @property
    def is_spent(self) -> bool:
        """Say whether more was used than allowed."""
        return self._limit is not None and self._spent > self._limit
