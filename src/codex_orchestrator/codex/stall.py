"""A bound on Codex's own waits: it would wait an hour for a server that asks for it."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

LONGEST_WAIT_S = 120.0


class StallWatch:
    """Calls `on_stall` when Codex has waited too long since it announced a retry.

    Any other notification of the turn shows that it goes on. `longest_s` is in seconds.
    """

    def __init__(self, longest_s: float, on_stall: Callable[[Mapping[str, Any]], None]) -> None:
        self._longest_s = longest_s
        self._on_stall = on_stall
        self._timer: threading.Timer | None = None

    def see(self, method: str, params: Mapping[str, Any]) -> None:
        """Take one notification of the turn."""
        self.end()
        if method == "error" and params.get("willRetry"):
            self._timer = threading.Timer(self._longest_s, self._on_stall, (params["error"],))
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
