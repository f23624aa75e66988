"""Waiting for what comes true soon, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(holds: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Return when `holds()` is true; AssertionError naming `what` when it is not within `seconds`."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)
