"""A maintenance window: the time in which changes that were asked for before may be begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ....core.model.codec import time_of

SECONDS = "MaintenanceWindowDurationInSeconds"
START = "MaintenanceWindowStartTime"
LONGEST = 7 * 86400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """From `start` (UTC, whole seconds) for `seconds`."""

    start: datetime
    seconds: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def open(self, moment: datetime) -> bool:
        """Whether it has begun and is not over."""
        return self.start <= moment < self.end

    def to_json(self) -> dict[str, Any]:
        """As Redfish has it (schema Settings, MaintenanceWindow)."""
        return {START: self.start.strftime("%Y-%m-%dT%H:%M:%SZ"), SECONDS: self.seconds}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> MaintenanceWindow:
        """The inverse of `to_json`; takes any RFC 3339 time. Raises ValueError for a time that there is not."""
        try:
            window = cls(time_of(document[START]).replace(microsecond=0), int(document[SECONDS]))
            _ = window.end
        except OverflowError as error:
            raise ValueError("no calendar reaches that far") from error
        return window


def daily(begins: str, seconds: int, moment: datetime) -> MaintenanceWindow:
    """The window of every day that is open at `moment`, else the next: from `begins` (HH:MM, UTC) for `seconds`, at
    most a day."""
    hour, minute = (int(part) for part in begins.split(":"))
    today = moment.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    days = (MaintenanceWindow(today + timedelta(days=number), seconds) for number in (-1, 0, 1))
    return next(window for window in days if moment < window.end)
