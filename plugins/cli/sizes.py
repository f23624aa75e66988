"""Sizes and times as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

_UNITS = {
    "": 1, "b": 1,
    "k": 1000, "kb": 1000, "m": 1000**2, "mb": 1000**2, "g": 1000**3, "gb": 1000**3, "t": 1000**4, "tb": 1000**4,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "pib": 1 << 50,
}  # fmt: skip
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")
_DURATION = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Size(click.ParamType[int]):
    """`20GiB`, `500MB`, `1.5TiB`, or a plain number of bytes."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _SIZE.fullmatch(str(value))
        unit = _UNITS.get(found[2].lower()) if found else None
        if found is None or unit is None:
            self.fail(f"{value!r} is not a size; write 20GiB, 500MB or a number of bytes", param, ctx)
        return int(float(found[1]) * unit) if "." in found[1] else int(found[1]) * unit


class Duration(click.ParamType[int]):
    """`90s`, `30m`, `12h`, `7d`, or a plain number of seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip().lower()
        unit = _DURATION.get(text[-1:])
        number = text[:-1] if unit else text
        if not number.isdigit():
            self.fail(f"{value!r} is not a duration; write 30m, 12h, 7d or a number of seconds", param, ctx)
        return int(number) * (unit or 1)


def human_size(size: object) -> str:
    """`20 GiB`; what is no number stays as it is."""
    if not isinstance(size, int | float) or isinstance(size, bool):
        return "" if size is None else str(size)
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} PiB"


def human_time(text: object) -> str:
    """A time of the API in this machine's zone, to the second."""
    if not text:
        return ""
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
