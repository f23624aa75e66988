"""Sizes for sentences."""

from __future__ import annotations

_UNITS = ("TiB", "GiB", "MiB", "KiB")


def spoken(size: int) -> str:
    """`size` bytes with a unit and at most two decimals, never more than it is: "20 GiB", "1.99 MiB", "300 bytes"."""
    if size < 0:
        return "-" + spoken(-size)
    for power, unit in zip((40, 30, 20, 10), _UNITS, strict=True):
        if size >> power:
            hundredths = (size * 100) >> power
            return f"{hundredths // 100}.{hundredths % 100:02}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{size} bytes"
