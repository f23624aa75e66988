"""One object of an inventory, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """An object by its type and id; the id is unique within its vCenter."""

    kind: str
    moid: str


@dataclass(frozen=True, slots=True)
class Item:
    """An object with the properties that are watched, by their paths (`summary.freeSpace`, in bytes). What is unset, or
    may not be read, is not there. Objects that it names are `Reference`s, lists are tuples. `raw` holds those in
    `watched.RAW` once more, as pyVmomi made them."""

    reference: Reference
    properties: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Its name; the id until that is known."""
        return str(self.properties.get("name", self.reference.moid))

    def get(self, path: str, default: Any = None) -> Any:
        """A property."""
        return self.properties.get(path, default)


class Movement(Enum):
    """What happened to an object."""

    CAME = "came"
    CHANGED = "changed"
    WENT = "went"


@dataclass(frozen=True, slots=True)
class Change:
    """One object came, changed or went. `values` are the new values of the properties in question; those in `removed`
    are unset from now on."""

    movement: Movement
    reference: Reference
    values: Mapping[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
