"""When snapshots of a volume are taken by themselves, and how long those are kept.

The words are OpenSDS's `snapshotProperties`; a profile says it for all its volumes, a volume may say it for itself.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ..errors import Invalid
from .snapshot import Snapshot

MARK = "scheduled-for"
"""In a scheduled snapshot's metadata: the time that it was taken for (ISO 8601, UTC)."""


class Occurrence(StrEnum):
    """How often. `Never` is for a volume whose profile says otherwise."""

    HOURLY = "Hourly"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    NEVER = "Never"


_PERIODS: Mapping[Occurrence, timedelta] = {
    Occurrence.HOURLY: timedelta(hours=1),
    Occurrence.DAILY: timedelta(days=1),
    Occurrence.WEEKLY: timedelta(weeks=1),
}
_FIRST = datetime(2001, 1, 1, tzinfo=UTC)
"""A Monday and the first of a month, for schedules that name no first time: full hours, midnight UTC."""


@dataclass(frozen=True, slots=True)
class Protection:
    """A schedule of snapshots. `first` is the first time (UTC); later ones follow from it. `number` snapshots are kept
    at most (None: any number), each for `days` days at most (None: for good)."""

    occurrence: Occurrence
    first: datetime = _FIRST
    number: int | None = None
    days: int | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Protection | None:
        """What a document that satisfies its schema says; None where it names no occurrence. Raises `Invalid` for a
        first time that there is not."""
        schedule, retention = document.get("schedule", {}), document.get("retention", {})
        if not schedule.get("occurrence"):
            return None
        try:
            first = datetime.fromisoformat(schedule["datetime"]) if schedule.get("datetime") else _FIRST
            first = first.replace(tzinfo=UTC) if first.tzinfo is None else first.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid(
                f"There is no such time as {schedule['datetime']}.", next_step="Write it as 2030-01-31T22:00:00Z."
            ) from None
        number, days = retention.get("number"), retention.get("duration")
        return cls(Occurrence(schedule["occurrence"]), first, number or None, days or None)

    def due(self, moment: datetime) -> datetime | None:
        """The latest time at or before `moment` for which there is to be a snapshot; None before the first."""
        if self.occurrence is Occurrence.NEVER or moment < self.first:
            return None
        period = _PERIODS.get(self.occurrence)
        if period is not None:
            return self.first + (moment - self.first) // period * period
        months = (moment.year - self.first.year) * 12 + moment.month - self.first.month
        found = self._after(months)
        return found if found <= moment else self._after(months - 1)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment` for which there is to be a snapshot; None where there is never one."""
        if self.occurrence is Occurrence.NEVER:
            return None
        due = self.due(moment)
        if due is None:
            return self.first
        period = _PERIODS.get(self.occurrence)
        if period is not None:
            return due + period
        return self._after((due.year - self.first.year) * 12 + due.month - self.first.month + 1)

    def over(self, snapshots: Iterable[Snapshot], moment: datetime) -> list[Snapshot]:
        """Those of scheduled snapshots that are too many or too old, newest first."""
        newest = sorted(snapshots, key=lambda each: each.created_at, reverse=True)
        kept = len(newest) if self.number is None else self.number
        return [each for place, each in enumerate(newest) if place >= kept or self.expired(each.created_at, moment)]

    def expired(self, taken: datetime, moment: datetime) -> bool:
        """Whether a snapshot of then has been kept for long enough."""
        return self.days is not None and moment - taken > timedelta(days=min(self.days, timedelta.max.days))

    def _after(self, months: int) -> datetime:
        """The first time, so many months later; on the last day of a month that has no such day."""
        year, month = divmod(self.first.month - 1 + months, 12)
        year, month = self.first.year + year, month + 1
        return self.first.replace(year=year, month=month, day=min(self.first.day, monthrange(year, month)[1]))
