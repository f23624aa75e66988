"""Why a placement went where it went, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..profiles.capabilities import Capabilities
from .request import PlacementRequest
from .sizes import spoken


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pool that passed every filter. `reserve` is what must be promised, `size` one object's size, in bytes.

    `weights` is what each weigher said (0 to 1, before its weight), `score` their weighted sum.
    """

    pool: str
    name: str
    backend: str
    size: int
    reserve: int
    score: float
    weights: Mapping[str, float]
    capabilities: Capabilities = field(repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "pool": self.pool,
            "name": self.name,
            "backend": self.backend,
            "score": round(self.score, 4),
            "weights": {name: round(value, 4) for name, value in self.weights.items()},
        }


@dataclass(frozen=True, slots=True)
class Count:
    """How many pools a filter refused, in the order in which the filters ran."""

    filter: str
    refused: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pool that a filter refused, or that could not be reserved, with the numbers."""

    pool: str
    name: str
    filter: str
    numbers: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"pool": self.pool, "name": self.name, "filter": self.filter, **self.numbers}


@dataclass(slots=True)
class Explanation:
    """The trace of one decision; kept with the operation as `to_json()`. Sizes in bytes.

    `considered` pools went in; each filter refused some; `remaining` were left. `refused` tells of a bounded number
    of the refused ones. `unconfirmed` are candidates whose reservation the database refused afterwards.
    """

    request: PlacementRequest
    considered: int
    filters: tuple[Count, ...]
    remaining: int
    refused: tuple[Refusal, ...]
    remarks: Mapping[str, str] = field(default_factory=dict)
    advice: str | None = None
    unconfirmed: list[Refusal] = field(default_factory=list)
    chosen: Candidate | None = None

    def choose(self, candidate: Candidate) -> None:
        """The database has confirmed this one."""
        self.chosen = candidate

    def refuse(self, candidate: Candidate, **numbers: Any) -> None:
        """The database would not confirm this one; `numbers` say why, where that is known."""
        found = {"needed": candidate.reserve, **numbers}
        self.unconfirmed.append(Refusal(candidate.pool, candidate.name, "reservation", found))

    def sentence(self) -> str:
        """Why there is no placement, for a person."""
        wanted = spoken(self.request.size)
        if self.request.count > 1:
            wanted = f"{self.request.count} times {wanted}"
        opening = f"No pool can take {wanted} of profile {self.request.requirement.profile}"
        if not self.considered:
            return f"{opening}: there are no pools."
        parts = [f"{self.considered} {'pool' if self.considered == 1 else 'pools'} considered"]
        for count in self.filters:
            if count.refused:
                remark = self.remarks.get(count.filter)
                verb = "" if len(parts) > 1 else " refused"
                parts.append(f"{count.refused}{verb} by {count.filter}" + (f" ({remark})" if remark else ""))
        if self.unconfirmed:
            parts.append(f"{len(self.unconfirmed)} filled up meanwhile")
        return f"{opening}: {', '.join(parts)}."

    def to_json(self) -> dict[str, Any]:
        """The whole trace as plain JSON."""
        request = self.request
        document: dict[str, Any] = {
            "requested": {
                "size": request.size,
                "count": request.count,
                "thin": request.thin,
                "profile": request.requirement.profile,
                "protocol": request.requirement.protocol,
                "zone": request.in_zone,
            },
            "considered": self.considered,
            "filters": [{"filter": count.filter, "refused": count.refused} for count in self.filters],
            "remaining": self.remaining,
            "refused": [refusal.to_json() for refusal in self.refused],
            "unconfirmed": [refusal.to_json() for refusal in self.unconfirmed],
            "chosen": None,
        }
        if self.chosen is not None:
            unenforced = request.requirement.unenforced_on(self.chosen.capabilities)
            document["chosen"] = {**self.chosen.to_json(), "unenforced": list(unenforced)}
        return document
