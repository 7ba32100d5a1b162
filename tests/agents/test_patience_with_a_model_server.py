"""How often a request to the model is made again, decided by what the server says and time left."""

import pytest
from agents.retry import (
    ModelRetryNormalizedError,
    RetryDecision,
    RetryPolicyContext,
)

from codex_orchestrator.agents.retries import MAX_RETRIES, retry_settings


def decide(
    *, left_s: float = 600, attempt: int = 1, jitter: float = 1.0, **facts: object
) -> RetryDecision:
    settings = retry_settings(lambda: left_s, lambda: jitter)
    assert settings.policy is not None
    context = RetryPolicyContext(
        error=RuntimeError(),
        attempt=attempt,
        max_retries=MAX_RETRIES,
        stream=False,
        normalized=ModelRetryNormalizedError(**facts),  # type: ignore[arg-type]
    )
    decision = settings.policy(context)
    assert isinstance(decision, RetryDecision)
    return decision


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert decide(status_code=status).retry


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_stays_wrong_is_not_tried_again(status: int) -> None:
    assert not decide(status_code=status).retry


@pytest.mark.parametrize("fact", ["is_network_error", "is_timeout"])
def test_a_connection_that_broke_is_tried_again(fact: str) -> None:
    assert decide(**{fact: True}).retry


def test_a_quota_that_is_used_up_is_not_waited_for() -> None:
    assert not decide(status_code=429, error_code="insufficient_quota").retry


def test_an_interrupt_is_no_reason_to_try_again() -> None:
    assert not decide(is_abort=True, is_network_error=True).retry


@pytest.mark.parametrize("asked", [0.0, 0.2, 30.0, 120.0])
def test_the_server_says_how_long_to_wait(asked: float) -> None:
    assert decide(status_code=429, retry_after=asked, attempt=4).delay == asked


@pytest.mark.parametrize(("asked", "left_s"), [(121.0, 600.0), (3600.0, 7200.0), (60.0, 59.0)])
def test_a_wait_that_is_too_long_is_not_begun(asked: float, left_s: float) -> None:
    assert not decide(status_code=429, retry_after=asked, left_s=left_s).retry


def test_pauses_double_and_vary() -> None:
    pauses = [decide(status_code=500, attempt=number).delay for number in (1, 2, 3, 4)]
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert decide(status_code=500, attempt=2, jitter=1.25).delay == 1.25


def test_a_pause_that_does_not_fit_into_the_time_left_is_not_begun() -> None:
    assert not decide(status_code=500, attempt=4, left_s=3.9).retry
