"""When a request to a model server is repeated, and when waiting would not help."""

from collections.abc import Callable

from agents.retry import ModelRetrySettings, RetryDecision, RetryPolicyContext

MAX_RETRIES = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 120.0
_PASSING = frozenset({408, 409, 429})
# A quota that is used up answers 429 as well, and waiting within a run does not help.
_LASTING = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def retry_settings(left_s: Callable[[], float], jitter: Callable[[], float]) -> ModelRetrySettings:
    """Return how the Agents SDK repeats requests: a few times, and never past the time left.

    A wait that the server asks for is kept, up to two minutes; otherwise pauses double. When the
    pause does not fit into the time left, the server's last answer is the result.

    Args:
        left_s: how many seconds the stage may still take.
        jitter: a factor around 1 for each pause, so that many clients do not retry at once.
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
