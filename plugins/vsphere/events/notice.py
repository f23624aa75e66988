"""One event that is to be posted, and where: an event of vCenter that is not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..inventory.item import Reference
from .kinds import BY_NAME, Kind


@dataclass(frozen=True, slots=True)
class Notice:
    """`id` makes it one and the same event however often its posting is tried. `entity` is what it is about; with an
    empty id it is the inventory's root."""

    id: str
    kind: Kind
    entity: Reference
    arguments: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind.name,
            "entity": [self.entity.kind, self.entity.moid],
            "arguments": dict(self.arguments),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Notice:
        return cls(str(found["id"]), BY_NAME[found["kind"]], Reference(*found["entity"]), dict(found["arguments"]))
