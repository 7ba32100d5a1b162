"""Patience with a model server: when a request is made again, and when waiting is no use."""

from collections.abc import Callable

from agents.retry import ModelRetrySettings, RetryDecision, RetryPolicyContext

MAX_RETRIES = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 120.0
_PASSING = frozenset({408, 409, 429})
# A quota that is used up answers 429 as well, and no wait within a run fills it again.
_LASTING = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def patience(left_s: Callable[[], float], jitter: Callable[[], float]) -> ModelRetrySettings:
    """Return how the Agents SDK repeats requests: a few times, and never past the time left.

    A server that says how long to wait is obeyed, up to two minutes; else pauses double. When the
    pause would not fit, the server's last answer stands, and not the limit of minutes.

    Args:
        left_s: how many seconds the stage may still take.
        jitter: a factor around 1 for each pause, so that many clients do not come back at once.
    """

    def decide(context: RetryPolicyContext) -> RetryDecision:
        facts = context.normalized
        status = facts.status_code
        if status is None:
            may_pass = facts.is_network_error or facts.is_timeout
        else:
            may_pass = status in _PASSING or status >= 500
        if facts.is_abort or not may_pass or facts.error_code in _LASTING:
            return RetryDecision(retry=False)
        wait_s = facts.retry_after
        if wait_s is None or wait_s < 0:
            wait_s = FIRST_WAIT_S * 2 ** (context.attempt - 1) * jitter()
        fits = wait_s <= min(LONGEST_WAIT_S, left_s())
        return RetryDecision(retry=fits, delay=wait_s)

    return ModelRetrySettings(max_retries=MAX_RETRIES, policy=decide)
