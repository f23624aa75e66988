"""A schedule names each moment once, and none in the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import Invalid
from isthmus.core.model.protection import Occurrence, Protection
from isthmus.core.model.snapshot import Snapshot, SnapshotState

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
LONGEST = {
    Occurrence.HOURLY: timedelta(hours=1),
    Occurrence.DAILY: timedelta(days=1),
    Occurrence.WEEKLY: timedelta(weeks=1),
    Occurrence.MONTHLY: timedelta(days=31),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("occurrence", "first", "moment", "due"),
    [
        ("Hourly", None, "2026-11-20T18:59:59", "2026-11-20T18:00:00"),
        ("Hourly", "2026-11-20T18:30:00", "2026-11-20T19:29:00", "2026-11-20T18:30:00"),
        ("Daily", None, "2026-11-20T18:59:59", "2026-11-20T00:00:00"),
        ("Daily", "2026-01-31T22:00:00+02:00", "2026-11-20T19:59:59", "2026-11-19T20:00:00"),
        ("Weekly", None, "2026-11-22T23:00:00", "2026-11-16T00:00:00"),
        ("Monthly", "2026-01-31T22:00:00", "2026-03-01T00:00:00", "2026-02-28T22:00:00"),
        ("Monthly", "2026-01-31T22:00:00", "2026-03-31T21:59:00", "2026-02-28T22:00:00"),
        ("Monthly", "2026-01-31T22:00:00", "2026-03-31T22:00:00", "2026-03-31T22:00:00"),
        ("Monthly", "2026-12-05T10:00:00", "2027-01-05T09:00:00", "2026-12-05T10:00:00"),
    ],
)
def test_times_follow_from_the_first(occurrence: str, first: str | None, moment: str, due: str) -> None:
    schedule = {"occurrence": occurrence, **({"datetime": first} if first else {})}
    found = Protection.of({"schedule": schedule})
    assert found is not None and found.due(at(moment)) == at(due)


@given(st.sampled_from(list(LONGEST)), MOMENTS, MOMENTS)
def test_what_is_due_lies_one_period_back_at_most_and_is_the_same_until_the_next(
    occurrence: Occurrence, first: datetime, moment: datetime
) -> None:
    found = Protection(occurrence, first)
    due = found.due(moment)
    assert (due is None) == (moment < first)
    if due is not None:
        assert due <= moment < due + LONGEST[occurrence]
        assert found.due(due) == due


@given(st.sampled_from(list(LONGEST)), MOMENTS, MOMENTS)
def test_the_next_time_is_the_first_that_is_still_to_come(
    occurrence: Occurrence, first: datetime, moment: datetime
) -> None:
    found = Protection(occurrence, first)
    following = found.next_after(moment)
    assert following is not None and following > moment and found.due(following) == following
    assert found.due(following - timedelta(microseconds=1)) == found.due(moment)


@pytest.mark.parametrize("time", ["2026-02-30T22:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"])
def test_a_time_that_there_is_not_is_refused(time: str) -> None:
    with pytest.raises(Invalid, match="no such time"):
        Protection.of({"schedule": {"occurrence": "Daily", "datetime": time}})


def test_never_and_no_schedule_are_different_things() -> None:
    never = Protection.of({"schedule": {"occurrence": "Never"}})
    assert never is not None and never.due(at("2026-11-20T00:00:00")) is None
    assert never.next_after(at("2026-11-20T00:00:00")) is None
    assert Protection.of({}) is None
    assert Protection.of({"retention": {"number": 3}}) is None


def test_what_is_kept() -> None:
    found = Protection.of({"schedule": {"occurrence": "Daily"}, "retention": {"number": 0, "duration": 7}})
    assert found is not None and found.number is None
    assert not found.expired(at("2026-11-13T00:00:00"), at("2026-11-20T00:00:00"))
    assert found.expired(at("2026-11-12T23:59:59"), at("2026-11-20T00:00:00"))
    found = Protection.of({"schedule": {"occurrence": "Daily"}, "retention": {"duration": 9007199254740991}})
    assert found is not None and not found.expired(at("2001-01-01T00:00:00"), at("2026-11-20T00:00:00"))


def test_what_is_over_is_the_oldest_and_what_is_too_old() -> None:
    moment = at("2026-11-20T00:00:00")
    taken = [
        Snapshot(str(age), "t", "v", "n", 1, SnapshotState.AVAILABLE, moment - timedelta(days=age), moment)
        for age in (3, 0, 2, 1)
    ]

    def over(number: int | None = None, days: int | None = None) -> list[str]:
        return [each.id for each in Protection(Occurrence.DAILY, number=number, days=days).over(taken, moment)]

    assert over() == [] and over(number=3) == ["3"] and over(days=1) == ["2", "3"]
    assert over(number=1, days=2) == ["1", "2", "3"]
