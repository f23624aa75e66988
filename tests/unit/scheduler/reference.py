"""The scheduler's rules once more, in the plainest Python: one pool at a time, in order, no columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.profiles.capabilities import Capabilities
from isthmus.core.scheduler.request import Hint, PlacementRequest, Scope


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many pools each filter refused, and the ids of those left with their scores."""

    refused: Counter[str]
    left: dict[str, float]


def decide(pools: Iterable[Pool], request: PlacementRequest) -> Outcome:
    """What the scheduler must come to."""
    everything = list(pools)
    totals: Counter[str] = Counter()
    promised: Counter[str] = Counter()
    for pool in everything:
        totals[pool.backend] += pool.total
        promised[pool.backend] += pool.provisioned
    refused: Counter[str] = Counter()
    left: dict[str, float] = {}
    for pool in everything:
        refusal = _refusal(pool, request)
        if refusal is None:
            left[pool.id] = _score(pool, promised[pool.backend] / max(1, totals[pool.backend]), request)
        else:
            refused[refusal] += 1
    return Outcome(refused, left)


def _refusal(pool: Pool, request: PlacementRequest) -> str | None:
    wanted = request.requirement
    found = Capabilities(pool.capabilities, pool.abilities, pool.protocols)
    if pool.state is not PoolState.AVAILABLE:
        return "state"
    if request.in_zone is not None and pool.zone != request.in_zone:
        return "zone"
    if not (pool.thin if request.thin else pool.thick):
        return "provisioning"
    if wanted.protocol is not None and wanted.protocol not in pool.protocols:
        return "protocol"
    if not set(request.needed_abilities) <= set(pool.abilities):
        return "abilities"
    if not wanted.matches(found):
        return "capabilities"
    if request.only_pools is not None and pool.id not in request.only_pools:
        return "affinity"
    if not all(_at(pool, hint) for hint in request.near):
        return "affinity"
    if pool.id in request.exclude_pools or any(_at(pool, hint) for hint in request.apart):
        return "anti_affinity"
    unit = max(1, pool.granularity)
    needed = (request.size + unit - 1) // unit * unit * request.count
    if pool.room(request.thin) < needed:
        return "capacity"
    if request.thin and not pool.free > pool.total * pool.reserve:
        return "capacity"
    return None


def _at(pool: Pool, hint: Hint) -> bool:
    return (pool.id if hint.scope is Scope.POOL else pool.backend) in hint.ids


def _score(pool: Pool, load: float, request: PlacementRequest) -> float:
    usable = pool.total * (1.0 - pool.reserve)
    limit = max(1, int(usable * pool.ratio) if request.thin else int(usable))
    tib = 1 << 40
    return (
        1.0 * pool.room(request.thin) / limit
        + 0.25 * tib / (tib + pool.provisioned)
        + 1.0 * Capabilities(pool.capabilities).goodness
        + 0.5 / (1.0 + load)
    )
