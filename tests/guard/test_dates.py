"""Days: what counts as a date, and that our own counting of days is the calendar's."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_orchestrator.guard.dates import parse_day, write_day


@given(st.dates())
@example(date.min)
@example(date.max)
@example(date(1970, 1, 1))
@example(date(2000, 2, 29))
@example(date(2100, 2, 28))
def test_a_day_has_the_ordinal_number_of_the_calendar(day: date) -> None:
    assert parse_day(day.isoformat()) == day.toordinal()
    assert write_day(day.toordinal()) == day.isoformat()


def test_all_days_of_four_centuries_are_counted_right() -> None:
    first = date(1900, 1, 1)
    days = [first + timedelta(days=number) for number in range(146_097)]
    assert [parse_day(day.isoformat()) for day in days] == [day.toordinal() for day in days]


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@given(st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"))
def test_a_day_that_the_calendar_lacks_is_none(text: str) -> None:
    assert (parse_day(text) is not None) == _is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01", "2026/01/01"),
        *("2026-W01-1", ""),
        *(
            "2026-1-010",
            "-026-01-01",
            "\uff12026-01-01",
            "2026-01-0\u0661",
            "20260101",
            "2026-W01-1",
        ),
    ],
)
def test_what_is_no_date_has_no_day(text: str) -> None:
    assert parse_day(text) is None
