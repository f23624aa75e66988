"""The settings of the memory driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import Refused
from ..contract import PoolReport

_BYTES = {"type": "integer", "minimum": 1}

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "path": {
            "type": "string",
            "pattern": "^/",
            "description": "The array's file; by default one in the back end's state folder.",
        },
        "latency": {
            "type": "number",
            "minimum": 0,
            "maximum": 60,
            "default": 0,
            "description": "Seconds that every call takes longer, to be like a distant array.",
        },
        "pools": {
            "type": "array",
            "minItems": 1,
            "default": [{"name": "pool", "total": 1 << 40}],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "total"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "total": {**_BYTES, "description": "Bytes."},
                    "foreign": {
                        "type": "integer",
                        "minimum": 0,
                        "default": 0,
                        "description": "Bytes occupied by what is not ours.",
                    },
                    "granularity": {**_BYTES, "default": 1, "description": "Sizes are multiples of this, in bytes."},
                    "thin": {"type": "boolean", "default": True},
                    "thick": {"type": "boolean", "default": True},
                    "zone": {"type": ["string", "null"], "default": None},
                    "capabilities": {"type": "object", "default": {}},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """One pool as the administrator described it; sizes in bytes."""

    name: str
    total: int
    foreign: int = 0
    granularity: int = 1
    thin: bool = True
    thick: bool = True
    zone: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    def report(self, ours: int) -> PoolReport:
        """The pool as measured, where our objects occupy `ours` bytes."""
        return PoolReport(
            name=self.name,
            total=self.total,
            used=ours + self.foreign,
            ours=ours,
            granularity=self.granularity,
            thin=self.thin,
            thick=self.thick,
            zone=self.zone,
            capabilities=self.capabilities,
        )

    def admit(self, size: int, thin: bool) -> None:
        """Raise `Refused` when the pool does not make such volumes."""
        if not (self.thin if thin else self.thick):
            raise Refused(f"pool {self.name} makes no {'thin' if thin else 'thick'} volumes")
        if size < 1 or size % self.granularity:
            raise Refused(f"{size} bytes is not a multiple of pool {self.name}'s {self.granularity}")


def pools_of(settings: Mapping[str, Any]) -> Mapping[str, PoolSettings]:
    """The pools by name, in the order in which they stand in the settings."""
    described = settings.get("pools") or SCHEMA["properties"]["pools"]["default"]
    return {pool["name"]: PoolSettings(**pool) for pool in described}
