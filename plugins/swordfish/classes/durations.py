"""ISO 8601 durations as Redfish writes them: days, hours, minutes and seconds (DSP0266, Duration values)."""

from __future__ import annotations

import re

PATTERN = r"^P(?=[0-9]|T[0-9])([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?$"
"""Of a duration that says something; `P` alone does not."""

_REDFISH = re.compile(PATTERN, re.ASCII)
_DAYS = re.compile(r"^P([0-9]+)D$", re.ASCII)
_ANY = re.compile(r"^P(?:0+Y)?(?:0+M)?(?:([0-9]+)W)?(?:([0-9]+)D)?(T.+)?$", re.ASCII)


def said(duration: str) -> str | None:
    """A duration in Redfish's form, weeks as days; None for one with years or months, which have no fixed length."""
    if _REDFISH.match(duration):
        return duration
    found = _ANY.match(duration)
    if found is None:
        return None
    weeks, days, rest = found.groups()
    whole = 7 * int(weeks or 0) + int(days or 0)
    text = f"P{f'{whole}D' if weeks or days or not rest else ''}{rest or ''}"
    return text if _REDFISH.match(text) else None


def of_days(days: int) -> str:
    return f"P{days}D"


def in_days(duration: str) -> int | None:
    """The days of a duration that is written in days alone; None for any other."""
    found = _DAYS.match(duration)
    return None if found is None else int(found[1])
