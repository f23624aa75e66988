"""The declaration of a duty. Core and plugins declare theirs with the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

CONTRACT_VERSION = 1
DEFAULT_DEADLINE = 300.0


class DutyRun(Protocol):
    """One run of a duty, as its function sees it."""

    @property
    def name(self) -> str:
        """The duty's name."""

    @property
    def epoch(self) -> int:
        """Rises each time the duty goes over to another process; a write can be fenced with it."""

    def held(self) -> bool:
        """Whether this process still has the duty and is not stopping. A long run asks before each change it makes
        and returns when it is False."""

    def wait(self, seconds: float) -> bool:
        """Sleep, but not past the loss of the duty or the stop of the process; returns `held()`."""

    def go_on(self) -> bool:
        """`alive()`, then `held()`: what a loop asks before each piece of its work."""

    def alive(self) -> None:
        """The run is getting on: its deadline starts anew. Cheap."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Work that one process of the installation does at a time.

    `name` is unique (`events.number`; for work that each node does for itself, with the node's name in it, so that
    only its processes ask for it). `interval` is the time from the end of a run to the next, in seconds; `pause` the
    least time when it is woken sooner. `run` may run again at any time after a process died in the middle of it. It
    may be a long one that returns only when it is no longer `held`, provided it calls `wait` or `alive` within
    `deadline` seconds; a run that does not is given up, and another process takes the duty over.

    An error that `run` raises is kept and shown, and the next run comes later and later, up to ten minutes.
    """

    name: str
    interval: float
    run: Callable[[DutyRun], None]
    pause: float = 0.0
    deadline: float = DEFAULT_DEADLINE

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 128:
            raise ValueError("a duty has a name of 1 to 128 characters")
        if self.interval < 0 or self.pause < 0 or self.deadline <= 0:
            raise ValueError(f"duty {self.name}: times are not negative, and the deadline is not zero")
