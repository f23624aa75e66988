"""Who is left alone until when, and how often a destination is tried (DSP0266, Event retry)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

ATTEMPTS = 3
"""Attempts after the first that failed, before the policy ends them."""
INTERVAL = 30.0
"""Seconds between attempts."""
LONGEST_INTERVAL = 3600.0


@dataclass(slots=True)
class _State:
    failures: int = 0
    not_before: float = 0.0


class Retries:
    """By the id of a subscription, each of which has one sender at a time. Moments are seconds of one clock."""

    def __init__(self, interval: float = INTERVAL, attempts: int = ATTEMPTS) -> None:
        self._interval = interval
        self._attempts = attempts
        self._states: dict[str, _State] = {}

    def due(self, identifier: str, moment: float) -> bool:
        """Whether it may be tried now."""
        state = self._states.get(identifier)
        return state is None or state.not_before <= moment

    def failing(self, identifier: str) -> bool:
        """Whether the last attempt failed."""
        state = self._states.get(identifier)
        return state is not None and state.failures > 0

    def pause(self, identifier: str, until: float) -> None:
        """Nothing failed, and nothing is to be done before `until`."""
        self._states[identifier] = _State(not_before=until)

    def succeeded(self, identifier: str) -> None:
        self._states.pop(identifier, None)

    def failed(self, identifier: str, policy: str, moment: float) -> bool:
        """Count an attempt that failed at `moment`; whether another one follows by the `DeliveryRetryPolicy`."""
        state = self._states.setdefault(identifier, _State())
        state.failures += 1
        pause = self._interval
        if policy == "RetryForeverWithBackoff":
            pause = min(self._interval * 2.0 ** min(state.failures - 1, 30), max(LONGEST_INTERVAL, self._interval))
        state.not_before = moment + pause
        if state.failures <= self._attempts or policy.startswith("RetryForever"):
            return True
        self._states.pop(identifier, None)
        return False

    def keep(self, identifiers: Container[str]) -> None:
        """Forget all others."""
        for identifier in [one for one in self._states if one not in identifiers]:
            self._states.pop(identifier, None)
