"""Spending counts for all that work for a run, and says by name which limit was reached."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.model.run import Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spending(clock: Clock, *, before: Usage | None = None, **limits: int) -> Spending:
    return Spending(Limits(**limits), before=before or Usage(), monotonic=clock)


def test_a_stage_has_its_own_minutes_within_those_of_the_run(clock: Clock) -> None:
    spent = spending(clock, minutes=10, stage_minutes=4)
    assert spent.stage()() == 240
    clock.now += 8 * 60
    assert spent.stage()() == 120


def test_a_stage_without_minutes_of_its_own_has_those_of_the_run(clock: Clock) -> None:
    assert spending(clock, minutes=10).stage()() == 600


def test_no_time_is_left_after_the_end_and_never_less(clock: Clock) -> None:
    spent = spending(clock, minutes=1)
    clock.now += 61
    assert spent.remaining_s() == 0
    assert spent.stage()() == 0


def test_the_limit_of_time_that_was_reached_is_named(clock: Clock) -> None:
    spent = spending(clock, minutes=2, stage_minutes=1)
    clock.now += 60
    assert spent.out_of_time("builder").reason == "limits.stage_minutes"
    clock.now += 60
    assert spent.out_of_time("builder").reason == "limits.minutes"


def test_the_turn_beyond_the_limit_is_refused_before_it_is_made(clock: Clock) -> None:
    spent = spending(clock, before=Usage(turns=1), turns=2)
    spent.begin_turn("planner")
    with pytest.raises(LimitReachedError, match="limit of 2 turns") as caught:
        spent.begin_turn("builder")
    assert caught.value.reason == "limits.turns"
    assert spent.usage.turns == 2


def test_tokens_beyond_the_limit_are_counted_and_told(clock: Clock) -> None:
    spent = spending(clock, before=Usage(input_tokens=60, output_tokens=20), tokens=100)
    spent.add(requests=1, input_tokens=15, output_tokens=5)
    assert spent.tokens_left == 0
    with pytest.raises(LimitReachedError, match="limit of 100 tokens reached with 101"):
        spent.add(requests=1, input_tokens=1, output_tokens=0)
    assert spent.usage == Usage(turns=0, requests=2, input_tokens=76, output_tokens=25)


def test_teams_that_work_side_by_side_share_the_turns(clock: Clock) -> None:
    spent = spending(clock, turns=50)

    def work(_number: int) -> bool:
        try:
            spent.begin_turn("builder")
        except LimitReachedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(200))) == 50
