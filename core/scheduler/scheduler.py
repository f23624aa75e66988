"""Proposes pools for a placement. The database confirms; the scheduler never promises anything by itself."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import NoPlacement
from ..model.pool import Pool
from .candidate import Candidates
from .columns import Columns
from .contract import ClassFilter, Filter, PoolFilter, PoolWeigher, RequestWeigher, Weigher
from .explanation import Explanation
from .filters.abilities import AbilitiesFilter
from .filters.affinity import AffinityFilter
from .filters.anti_affinity import AntiAffinityFilter
from .filters.capabilities import CapabilitiesFilter
from .filters.capacity import CapacityFilter
from .filters.protocol import ProtocolFilter
from .filters.provisioning import ProvisioningFilter
from .filters.state import StateFilter
from .filters.zone import ZoneFilter
from .plan import Plans, Refused
from .ranking import highest
from .refusal import Refusal
from .request import PlacementRequest
from .standing import Standing
from .view import Mask, Pools, Row
from .weighers.allocated import AllocatedWeigher
from .weighers.free_capacity import FreeCapacityWeigher
from .weighers.goodness import GoodnessWeigher
from .weighers.spread import SpreadWeigher

_FEW = 100


def default_filters() -> list[Filter]:
    """All filters that come with Isthmus, in the order in which they run."""
    return [
        StateFilter(),
        ZoneFilter(),
        ProvisioningFilter(),
        ProtocolFilter(),
        AbilitiesFilter(),
        CapabilitiesFilter(),
        AffinityFilter(),
        AntiAffinityFilter(),
        CapacityFilter(),
    ]


def default_weighers() -> list[Weigher]:
    """All weighers that come with Isthmus."""
    return [FreeCapacityWeigher(), AllocatedWeigher(), GoodnessWeigher(), SpreadWeigher()]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Candidates in the order in which they should be reserved, and the trace.

    Tell `explanation` of each refused reservation and of the one that was confirmed.
    """

    candidates: Candidates
    explanation: Explanation


@dataclass(slots=True)
class Lost:
    """What one pool filter refused: how many, out of which pools."""

    filter: PoolFilter
    count: int
    pools: Pools
    mask: Mask

    def rows(self, most: int, nearest: bool) -> list[int]:
        """The rows of up to `most` of the refused pools: any, or the nearest to being good enough."""
        if nearest:
            return list(self.filter.nearest(self.pools.lost(self.mask), most).tolist())
        return list(self.pools.lost(self.mask, most).rows.tolist())


class Scheduler:
    """Pools in memory, filters and weighers. All methods may be called from several threads.

    `weights` overrides weighers' weights by name. `best` of the candidates are close enough to each other for a
    random one of them to come first, provided its score is within `closeness` (times the sum of weights) of the
    best; the rest follow in order, at most `candidates` in all. `listed` bounds how many refused pools an
    explanation tells of; half as many where the request was placed and there are more than a hundred pools.
    """

    def __init__(
        self,
        filters: Sequence[Filter] | None = None,
        weighers: Sequence[Weigher] | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        best: int = 8,
        candidates: int = 16,
        closeness: float = 0.05,
        listed: int = 10,
        chooser: random.Random | None = None,
    ) -> None:
        chosen = default_filters() if filters is None else list(filters)
        self._class_filters = [found for found in chosen if isinstance(found, ClassFilter)]
        self._pool_filters = [found for found in chosen if isinstance(found, PoolFilter)]
        given = weights or {}
        every = default_weighers() if weighers is None else list(weighers)
        weighed = [(found, given.get(found.name, found.weight)) for found in every]
        asked = [(found, weight) for found, weight in weighed if weight != 0.0]
        self._tolerance = closeness * sum(abs(weight) for _, weight in asked)
        self._standing = Standing([(found, weight) for found, weight in asked if isinstance(found, PoolWeigher)])
        self._weighers = [(found, weight) for found, weight in asked if isinstance(found, RequestWeigher)]
        self._best = best
        self._candidates = candidates
        self._listed = listed
        self._chooser = chooser or random.Random()  # noqa: S311 - nobody gains from guessing it
        self._columns = Columns(self._standing.touch)
        self._plans = Plans(self._columns, self._class_filters, listed)

    def __len__(self) -> int:
        return len(self._columns)

    def upsert(self, pool: Pool) -> None:
        """Take in a new or changed pool; its `provisioned` replaces all earlier adjustments."""
        self._columns.upsert(pool)

    def remove(self, pool_id: str) -> None:
        """Forget a pool; an unknown one is no error."""
        self._columns.remove(pool_id)

    def replace(self, pools: Iterable[Pool]) -> None:
        """Know exactly these pools from now on."""
        self._columns.replace(pools)

    def adjust(self, pool_id: str, delta: int) -> bool:
        """A reservation (positive) or its end (negative) was committed; False when the pool is not known."""
        return self._columns.adjust(pool_id, delta)

    def propose(self, request: PlacementRequest) -> Proposal:
        """Candidates for the request. Changes nothing, so it also serves dry runs.

        Raises `NoPlacement` whose message is the explanation's sentence and whose `details["explanation"]` is its
        JSON.
        """
        with self._columns.lock:
            plan = self._plans.plan(request)
            left = Pools(self._columns, request, plan.rows, plan.left)
            counts: list[tuple[Filter, int]] = [(each.filter, each.count) for each in plan.refused]
            refused: list[Refused | Lost] = [each for each in plan.refused if each.count]
            for found in self._pool_filters:
                mask = found.pools(left, request) if left.count else None
                kept = left if mask is None else left.kept(mask)
                counts.append((found, left.count - kept.count))
                if mask is not None and kept.count != left.count:
                    refused.append(Lost(found, left.count - kept.count, left, mask))
                    left = kept
            told = self._tell(refused, request, nearest=not left.count)
            explanation = Explanation(request, len(self._columns), counts, left.count, told)
            if left.count:
                return Proposal(self._candidates_of(left, request), explanation)
        raise no_placement(explanation)

    def _tell(self, refused: Sequence[Refused | Lost], request: PlacementRequest, *, nearest: bool) -> list[Refusal]:
        """At most `listed` refused pools. Filters have equal shares; who needs less leaves it to the others."""
        counts = [each.count for each in refused]
        shares = [0] * len(counts)
        budget = self._listed if nearest or len(self._columns) <= _FEW else self._listed // 2
        takers = len(counts)
        for place in sorted(range(takers), key=counts.__getitem__):
            share = min(counts[place], -(-budget // takers))
            shares[place] = share
            budget -= share
            takers -= 1
        told: list[Refusal] = []
        for each, share in zip(refused, shares, strict=True):
            if isinstance(each, Refused):
                told += each.tell(self._columns, request, share)
            else:
                told += [Refusal(each.filter, Row(self._columns, row), request) for row in each.rows(share, nearest)]
        return told

    def _candidates_of(self, left: Pools, request: PlacementRequest) -> Candidates:
        pools = left.gathered()
        self._standing.settle(self._columns)
        vectors = [found.weigh(pools, request) for found, _ in self._weighers]
        score = self._standing.totals(pools.rows, request.thin)
        for vector, (_, weight) in zip(vectors, self._weighers, strict=True):
            score += vector * weight
        order = highest(score, self._candidates)
        values = score.take(order).tolist()
        lowest = values[0] - self._tolerance
        close = sum([value >= lowest for value in values[: self._best]])
        rows = pools.rows.take(order).tolist()

        def weights(place: int) -> dict[str, float]:
            said = self._standing.of(rows[place], request.thin)
            for vector, (found, _) in zip(vectors, self._weighers, strict=True):
                said[found.name] = vector.item(order.item(place))
            return said

        return Candidates(
            request,
            list(map(self._columns.pools.__getitem__, rows)),
            list(map(self._columns.capabilities.__getitem__, rows)),
            values,
            weights,
            first=int(self._chooser.random() * close),
        )


def no_placement(explanation: Explanation) -> NoPlacement:
    """The error that says why nothing was placed; also for when every candidate's reservation was refused."""
    return NoPlacement(explanation.sentence(), next_step=explanation.advice, explanation=explanation.to_json())
