"""When snapshots of a volume are taken by themselves, and who says so: the volume, or else its profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import Forbidden, Invalid, NotFound, NotOffered
from ....core.model.protection import MARK, Occurrence, Protection
from ....core.model.snapshot import Snapshot
from ....core.model.volume import Volume

OFFERED = "volumes.protection"
"""What a storage system offers in which volumes say it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`protection` is None where neither says anything; `own` where the volume says it for itself."""

    protection: Protection | None
    own: bool

    @classmethod
    def of(cls, volume: Volume, storage: Storage) -> Schedule:
        """What holds for a volume. A profile that cannot be read, or that has no usable schedule, says nothing."""
        with suppress(Forbidden, Invalid, NotFound, NotOffered):
            own = Protection.of(volume.protection)
            if own is not None:
                return cls(own, True)
            properties = storage.profiles.get(volume.profile).properties
            return cls(Protection.of(properties.get("snapshotProperties", {})), False)
        return cls(None, False)

    @property
    def takes(self) -> Protection | None:
        """The protection, if any snapshot is ever taken."""
        found = self.protection
        return None if found is None or found.occurrence is Occurrence.NEVER else found

    def to_json(self) -> dict[str, Any]:
        """In the words of the action's input, and `by` whom it is said (None: by nobody)."""
        found, taken = self.protection, self.takes
        named = taken is not None and taken.first != Protection(taken.occurrence).first
        return {
            "every": "never" if taken is None else taken.occurrence.lower(),
            "first": taken.first.isoformat() if taken is not None and named else None,
            "keep": None if found is None else found.number,
            "days": None if found is None else found.days,
            "by": None if found is None else "volume" if self.own else "profile",
        }


def scheduled(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """Those that were taken by a schedule, and go by it."""
    return [each for each in snapshots if MARK in each.metadata]


def document(every: str, first: str | None, keep: int | None, days: int | None) -> Mapping[str, Any]:
    """What a volume says in these words; `first` in ISO 8601 with an offset."""
    schedule = {"occurrence": every.capitalize(), **({"datetime": first} if first else {})}
    retention = {name: value for name, value in (("number", keep), ("duration", days)) if value is not None}
    return {"schedule": schedule, **({"retention": retention} if retention else {})}
