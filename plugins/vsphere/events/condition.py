"""What is wrong with a datastore's storage now, judged from figures; and when a judgement is taken back.

A judgement depends on the one before it: what was called full is full until it is clearly less, so that a pool at the
bound does not fill the list of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ....core.model.pool import Pool
from .kinds import FILLING, FULL, OVERSUBSCRIBED, SPOKEN, Alarm, Kind

_SLACK = 2.0
"""How many percent below a bound something must fall to be taken back."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """In percent of a pool's size: `filling` and `full` of what is used, `promised` of what was promised."""

    filling: float = 80.0
    full: float = 95.0
    promised: float = 300.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong, or `several` of one kind, each by a name of its own and told once."""

    kind: Kind
    arguments: Mapping[str, str]
    several: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: Kind, several: Mapping[str, Mapping[str, str]]) -> Condition:
        """Several (one at least)."""
        return cls(kind, next(iter(several.values())), several)

    @property
    def facts(self) -> Mapping[str, Mapping[str, str]]:
        """The arguments that are the same in every language: of several by their names, of one by the empty name."""
        each = self.several or {"": self.arguments}
        return {
            name: {key: value for key, value in arguments.items() if key not in SPOKEN}
            for name, arguments in each.items()
        }


@dataclass(frozen=True, slots=True)
class State:
    """How an object stands: the conditions by alarm, and the alarms of which nothing can be said now."""

    conditions: Mapping[Alarm, Condition]
    unknown: frozenset[Alarm] = frozenset()


def room(pool: Pool, before: str, bounds: Bounds) -> tuple[Kind, float] | None:
    """Whether the pool fills up, and how full it is in percent; `before` is the name of the kind told last."""
    if pool.total <= 0:
        return None
    used = pool.used * 100.0 / pool.total
    if used >= bounds.full or (before == FULL.name and used > bounds.full - _SLACK):
        return FULL, used
    if used >= bounds.filling or (before in (FULL.name, FILLING.name) and used > bounds.filling - _SLACK):
        return FILLING, used
    return None


def promise(pool: Pool, before: str, bounds: Bounds) -> tuple[Kind, float] | None:
    """Whether the pool promised more than the bound, and how much in percent of its size."""
    if pool.total <= 0 or not pool.thin:
        return None
    promised = (pool.provisioned + pool.foreign) * 100.0 / pool.total
    if promised >= bounds.promised or (before == OVERSUBSCRIBED.name and promised > bounds.promised - _SLACK):
        return OVERSUBSCRIBED, promised
    return None
