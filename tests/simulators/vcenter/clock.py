"""The time of one vCenter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, which a test may put forward to let sessions and tickets expire."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """UTC, to the microsecond."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """All that waits for a time sees it `seconds` later from now on."""
        self._ahead += timedelta(seconds=seconds)
