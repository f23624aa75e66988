"""When a user who keeps giving wrong passwords must wait. Arithmetic only: the store keeps the attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..model.tenant import LOCKOUT_SECONDS, LOCKOUT_THRESHOLD


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often in a row a user's password was wrong, when last (UTC), and until when the user must wait."""

    failures: int = 0
    last_failure: datetime | None = None
    locked_until: datetime | None = None

    def locked(self, now: datetime) -> bool:
        """Whether a password must be refused unread at `now`."""
        return self.locked_until is not None and now < self.locked_until

    def retry_after(self, now: datetime) -> int:
        """Whole seconds to wait, rounded up; 0 when not locked."""
        if self.locked_until is None or now >= self.locked_until:
            return 0
        return -((now - self.locked_until) // timedelta(seconds=1))


NONE = Attempts()
"""The state after a right password."""


@dataclass(frozen=True, slots=True)
class LockOut:
    """The rule: `threshold` wrong passwords cost `first`, each further one twice as much, at most `longest`.

    Failures are forgotten after `memory` without another.
    """

    threshold: int = LOCKOUT_THRESHOLD
    first: timedelta = timedelta(seconds=LOCKOUT_SECONDS)
    longest: timedelta = timedelta(hours=1)
    memory: timedelta = timedelta(hours=24)

    def failed(self, attempts: Attempts, now: datetime) -> Attempts:
        """The state after a wrong password at `now`.

        An attempt made while locked is to be refused before its password is looked at and is not counted,
        or a steady guesser could keep the rightful owner out for ever.
        """
        if attempts.locked(now):
            return attempts
        forgotten = attempts.last_failure is None or now - attempts.last_failure >= self.memory
        failures = 1 if forgotten else attempts.failures + 1
        if failures < self.threshold:
            return Attempts(failures, now, None)
        doublings = min(failures - self.threshold, 32)  # further doublings only overflow; `longest` holds long before
        return Attempts(failures, now, now + min(self.first * 2**doublings, self.longest))
