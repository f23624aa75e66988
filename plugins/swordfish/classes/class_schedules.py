"""Schedules of profiles and of Redfish (schema Schedule).

A profile says when the first time is and how often; Redfish says a first time, an interval and the days that count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .durations import said as said_duration

_INTERVALS = {"Hourly": "PT1H", "Daily": "P1D", "Weekly": "P7D"}
_OCCURRENCES = {interval: occurrence for occurrence, interval in _INTERVALS.items()}
_TIME = r"^[0-9]{4}-[0-9][0-9]-([0-9][0-9])T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](\.[0-9]+)?(Z|[+-][0-9][0-9]:[0-9][0-9])$"
_STARTING = re.compile(
    r"^([0-9]{4}-[0-9][0-9]-([0-9][0-9])T[0-9][0-9]:[0-9][0-9])(:[0-9][0-9](?:\.[0-9]+)?)?(Z|[+-][0-9][0-9]:?[0-9][0-9])?$",
    re.ASCII,
)

SNAPSHOTS: Mapping[str, Any] = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {
        "InitialStartTime": {"type": ["string", "null"], "pattern": _TIME, "maxLength": 40},
        "RecurrenceInterval": {"type": ["string", "null"], "enum": [*_OCCURRENCES, None]},
        "EnabledDaysOfMonth": {
            "type": ["array", "null"],
            "maxItems": 1,
            "items": {"type": "integer", "minimum": 1, "maximum": 31},
        },
    },
}
"""What is taken for a schedule of snapshots. Daily on one day of the month, that of the first time, is monthly."""


def said_snapshots(schedule: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schedule of a profile's snapshots; None where Redfish cannot say it: monthly without a first time."""
    first = _STARTING.match(schedule.get("datetime", ""))
    occurrence = schedule.get("occurrence")
    said: dict[str, Any] = {}
    if first is not None:
        minute, _, second, offset = first.groups()
        said["InitialStartTime"] = f"{minute}{second or ':00'}{_offset(offset)}"
    elif schedule.get("datetime") or occurrence == "Monthly":
        return None
    if occurrence == "Monthly" and first is not None:
        said |= {"RecurrenceInterval": "P1D", "EnabledDaysOfMonth": [int(first[2])]}
    elif occurrence is not None:
        said["RecurrenceInterval"] = _INTERVALS[occurrence]
    return said or None


def taken_snapshots(schedule: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a profile says for such a schedule (checked against `SNAPSHOTS`); raises ValueError for what it cannot."""
    start, interval = schedule.get("InitialStartTime"), schedule.get("RecurrenceInterval")
    days = schedule.get("EnabledDaysOfMonth")
    taken: dict[str, Any] = {}
    if start:
        taken["datetime"] = start
    if days:
        if interval != "P1D" or not start or int(start[8:10]) != days[0]:
            raise ValueError("A day of the month is that of InitialStartTime, with the RecurrenceInterval P1D.")
        taken["occurrence"] = "Monthly"
    elif interval:
        taken["occurrence"] = _OCCURRENCES[interval]
    return taken or None


def said_period(period: str) -> dict[str, Any] | None:
    """The schedule of something that is done again and again."""
    interval = said_duration(period)
    return None if interval is None else {"RecurrenceInterval": interval}


def taken_period(schedule: Mapping[str, Any]) -> str | None:
    interval = schedule.get("RecurrenceInterval")
    return None if interval is None else str(interval)


def _offset(text: str | None) -> str:
    """An offset with its colon; UTC where a profile names none."""
    if text is None or text == "Z":
        return "Z"
    return text if ":" in text else f"{text[:3]}:{text[3:]}"
