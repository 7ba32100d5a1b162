"""How much of its limits a run has used; shared by all threads of the run, thread-safe."""

import threading
from collections.abc import Callable

from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.model.run import Usage
from codex_orchestrator.model.task import Limits


class Spending:
    """Counts turns, requests and tokens against a task's limits, and watches the clock.

    Turns and tokens bound the run, all its attempts together: `before` is what earlier attempts
    used. Minutes bound this attempt, since somebody chose to start it.

    Args:
        limits: the task's limits.
        before: what earlier attempts of the run used.
        monotonic: a monotonic clock, in seconds.
    """

    def __init__(self, limits: Limits, *, before: Usage, monotonic: Callable[[], float]) -> None:
        self.limits = limits
        self._monotonic = monotonic
        self._usage = before
        self._lock = threading.Lock()
        self._deadline = monotonic() + limits.minutes * 60

    @property
    def usage(self) -> Usage:
        """What the run has used so far, including earlier attempts."""
        with self._lock:
            return self._usage

    @property
    def tokens_left(self) -> int:
        """How many tokens the run may still use; 0 when there are none."""
        return max(0, self.limits.tokens - _tokens(self.usage))

    def remaining_s(self) -> float:
        """Return how many seconds this attempt may still take."""
        return max(0.0, self._deadline - self._monotonic())

    def stage(self) -> Callable[[], float]:
        """Start a stage; the returned function tells how many seconds it may still take."""
        longest = self.limits.stage_minutes or self.limits.minutes
        end = min(self._deadline, self._monotonic() + longest * 60)
        return lambda: max(0.0, end - self._monotonic())

    def begin_turn(self, role: str) -> None:
        """Count one model request of an agent, before it is made.

        Raises:
            LimitReachedError: the run has used all its turns, or more tokens than allowed.
        """
        self._require_tokens()
        with self._lock:
            if self._usage.turns >= self.limits.turns:
                message = f"limit of {self.limits.turns} turns reached before the {role} was done"
                raise limit_reached("turns", message)
            self._usage += Usage(turns=1)

    def add(self, *, requests: int, input_tokens: int, output_tokens: int) -> None:
        """Count the usage of a model.

        Raises:
            LimitReachedError: the run has used more tokens than allowed.
        """
        self.note(requests=requests, input_tokens=input_tokens, output_tokens=output_tokens)
        self._require_tokens()

    def note(self, *, requests: int, input_tokens: int, output_tokens: int) -> None:
        """Count the usage of a model without stopping; the next turn stops."""
        spent = Usage(requests=requests, input_tokens=input_tokens, output_tokens=output_tokens)
        with self._lock:
            self._usage += spent

    def _require_tokens(self) -> None:
        if (spent := _tokens(self.usage)) > self.limits.tokens:
            message = f"limit of {self.limits.tokens} tokens reached with {spent}"
            raise limit_reached("tokens", message)

    def out_of_time(self, role: str) -> LimitReachedError:
        """Return the error for the time limit that an agent reached."""
        is_run = self.remaining_s() <= 0 or self.limits.stage_minutes is None
        name = "minutes" if is_run else "stage_minutes"
        minutes = getattr(self.limits, name)
        return limit_reached(name, f"the {role} was not done within limits.{name}: {minutes}")


def limit_reached(name: str, message: str) -> LimitReachedError:
    """Return the error that a run reached a bound of its task, `limits.<name>`."""
    key = f"limits.{name}"
    return LimitReachedError(message, fix=f"raise {key} in the task", reason=key)


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
