"""Why a placement went where it went, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .candidate import Candidate
from .contract import Filter
from .refusal import Refusal
from .request import PlacementRequest
from .sizes import spoken


@dataclass(slots=True)
class Explanation:
    """The trace of one decision; kept with the operation as `to_json()`. Sizes in bytes.

    `considered` pools went in; each filter, in the order in which they ran, refused some (`filters`: name and
    count); `remaining` were left. `refused` tells of a bounded number of the refused ones. `unconfirmed` are the
    candidates whose reservation the database refused afterwards, as JSON.
    """

    request: PlacementRequest
    considered: int
    filters: Sequence[tuple[Filter, int]]
    remaining: int
    refused: Sequence[Refusal]
    unconfirmed: list[dict[str, Any]] = field(default_factory=list)
    chosen: Candidate | None = None

    def choose(self, candidate: Candidate) -> None:
        """The database has confirmed this one."""
        self.chosen = candidate

    def refuse(self, candidate: Candidate, **numbers: Any) -> None:
        """The database would not confirm this one; `numbers` say why, where that is known."""
        self.unconfirmed.append(
            {"pool": candidate.pool, "name": candidate.name, "needed": candidate.reserve, **numbers}
        )

    @property
    def advice(self) -> str:
        """The next thing to do when nothing is left: that of the filter which refused the most."""
        if not self.considered:
            return "Add a back end: `isthmus backend add`."
        refusing = [entry for entry in self.filters if entry[1]]
        return max(refusing, key=lambda entry: entry[1])[0].advice if refusing else "Try again."

    def sentence(self) -> str:
        """Why there is no placement, for a person."""
        wanted = spoken(self.request.size)
        if self.request.count > 1:
            wanted = f"{self.request.count} times {wanted}"
        opening = f"No pool can take {wanted} of profile {self.request.requirement.profile}"
        if not self.considered:
            return f"{opening}: there are no pools."
        parts = [f"{self.considered} {'pool' if self.considered == 1 else 'pools'} considered"]
        for found, refused in self.filters:
            if refused:
                told = [refusal.numbers for refusal in self.refused if refusal.filter == found.name]
                remark = found.remark(told, self.request) if told else ""
                verb = "" if len(parts) > 1 else " refused"
                parts.append(f"{refused}{verb} by {found.name}" + (f" ({remark})" if remark else ""))
        if self.unconfirmed:
            parts.append(f"{len(self.unconfirmed)} filled up meanwhile")
        return f"{opening}: {', '.join(parts)}."

    def to_json(self) -> dict[str, Any]:
        """The whole trace as plain JSON."""
        request = self.request
        return {
            "requested": {
                "size": request.size,
                "count": request.count,
                "thin": request.thin,
                "profile": request.requirement.profile,
                "protocol": request.requirement.protocol,
                "zone": request.in_zone,
            },
            "considered": self.considered,
            "filters": [{"filter": found.name, "refused": refused} for found, refused in self.filters],
            "remaining": self.remaining,
            "refused": [refusal.to_json() for refusal in self.refused],
            "unconfirmed": self.unconfirmed,
            "chosen": None if self.chosen is None else self.chosen.to_json(),
        }
