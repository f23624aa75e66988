"""Proposes pools for a placement. The database confirms; the scheduler never promises anything by itself."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import NoPlacement
from ..model.pool import Pool
from .columns import Columns
from .contract import ClassFilter, Filter, PoolFilter, Weigher
from .explanation import Candidate, Count, Explanation, Refusal
from .filters.abilities import AbilitiesFilter
from .filters.affinity import AffinityFilter
from .filters.anti_affinity import AntiAffinityFilter
from .filters.capabilities import CapabilitiesFilter
from .filters.capacity import CapacityFilter
from .filters.protocol import ProtocolFilter
from .filters.provisioning import ProvisioningFilter
from .filters.state import StateFilter
from .filters.zone import ZoneFilter
from .request import PlacementRequest
from .view import Classes, Mask, Pools, Row, Vector
from .weighers.allocated import AllocatedWeigher
from .weighers.free_capacity import FreeCapacityWeigher
from .weighers.goodness import GoodnessWeigher
from .weighers.spread import SpreadWeigher

#: A sample of this many scores tells where the best few begin, so that not all need to be sorted.
_SAMPLE = 512


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

    candidates: tuple[Candidate, ...]
    explanation: Explanation


@dataclass(slots=True)
class _Refused:
    """What one filter refused: a count, and where the rows are."""

    filter: Filter
    count: int
    classes: Mask | None = None
    pools: Pools | None = None


class Scheduler:
    """Pools in memory, filters and weighers. All methods may be called from several threads.

    `weights` overrides weighers' weights by name. `best` of the candidates are close enough to each other for a
    random one of them to come first, provided its score is within `closeness` (times the sum of weights) of the
    best; the rest follow in order, at most `candidates` in all. `listed` bounds how many refused pools an
    explanation tells of.
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
        self._weighers = [(found, weight) for found, weight in weighed if weight != 0.0]
        self._tolerance = closeness * sum(abs(weight) for _, weight in self._weighers)
        self._best = best
        self._candidates = candidates
        self._listed = listed
        self._chooser = chooser or random.Random()  # noqa: S311 - nobody gains from guessing it
        self._columns = Columns()

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
            trail: list[_Refused] = []
            passed = self._filter_classes(request, trail)
            left = Pools(self._columns, self._columns.members(passed), request)
            left = self._filter_pools(left, request, trail)
            explanation = self._explain(request, trail, len(left))
            if len(left):
                return Proposal(self._candidates_of(left, request), explanation)
        raise no_placement(explanation)

    def _filter_classes(self, request: PlacementRequest, trail: list[_Refused]) -> Mask:
        view = Classes(self._columns)
        counts = self._columns.classes.count[: self._columns.classes.used]
        passed: Mask = counts > 0
        for found in self._class_filters:
            mask = found.classes(view, request)
            refused = None if mask is None else passed > mask
            if mask is None or refused is None or not np.count_nonzero(refused):
                trail.append(_Refused(found, 0))
                continue
            trail.append(_Refused(found, int(counts.compress(refused).sum()), classes=refused))
            passed = passed & mask
        return passed

    def _filter_pools(self, left: Pools, request: PlacementRequest, trail: list[_Refused]) -> Pools:
        for found in self._pool_filters:
            mask = found.pools(left, request) if len(left) else None
            remaining = len(left) if mask is None else int(np.count_nonzero(mask))
            if mask is None or remaining == len(left):
                trail.append(_Refused(found, 0))
                continue
            trail.append(_Refused(found, len(left) - remaining, pools=left.narrowed(~mask)))
            left = left.narrowed(mask)
        return left

    def _explain(self, request: PlacementRequest, trail: list[_Refused], remaining: int) -> Explanation:
        refusals: dict[str, list[Refusal]] = {}
        budget = self._listed
        refusing = sorted((entry for entry in trail if entry.count), key=lambda entry: entry.count)
        for position, entry in enumerate(refusing):
            # Equal shares, the small ones first, so that what they leave goes to the others.
            share = -(-budget // (len(refusing) - position))
            told = [self._refusal(entry.filter, row, request) for row in self._rows_of(entry, share)]
            budget -= len(told)
            refusals[entry.filter.name] = told
        explanation = Explanation(
            request=request,
            considered=len(self._columns),
            filters=tuple(Count(entry.filter.name, entry.count) for entry in trail),
            remaining=remaining,
            refused=tuple(told for entry in trail for told in refusals.get(entry.filter.name, ())),
        )
        if not remaining:
            explanation.remarks = {
                entry.filter.name: entry.filter.remark([told.numbers for told in refusals[entry.filter.name]], request)
                for entry in refusing
                if refusals[entry.filter.name]
            }
            explanation.advice = refusing[-1].filter.advice if refusing else "Add a back end: `isthmus backend add`."
        return explanation

    def _rows_of(self, entry: _Refused, count: int) -> list[int]:
        if entry.pools is not None and isinstance(entry.filter, PoolFilter):
            return [int(row) for row in entry.filter.nearest(entry.pools, count)]
        rows: list[int] = []
        for klass in np.flatnonzero(entry.classes).tolist() if entry.classes is not None else ():
            rows.extend(self._columns.classes.members(klass)[: count - len(rows)].tolist())
            if len(rows) >= count:
                break
        return rows

    def _refusal(self, found: Filter, number: int, request: PlacementRequest) -> Refusal:
        row = Row(self._columns, number)
        return Refusal(row.pool.id, row.pool.name, found.name, found.numbers(row, request))

    def _candidates_of(self, left: Pools, request: PlacementRequest) -> tuple[Candidate, ...]:
        values = [(found.name, found.weigh(left, request), weight) for found, weight in self._weighers]
        score: Vector = np.zeros(len(left), np.float64)
        for _, vector, weight in values:
            score += vector * weight
        order = _best(score, self._candidates)
        found = [
            self._candidate(
                int(left.rows[at]), request, float(score[at]), {name: float(vector[at]) for name, vector, _ in values}
            )
            for at in order.tolist()
        ]
        close = [each for each in found[: self._best] if each.score >= found[0].score - self._tolerance]
        first = self._chooser.randrange(len(close))
        found.insert(0, found.pop(first))
        return tuple(found)

    def _candidate(
        self, number: int, request: PlacementRequest, score: float, weights: Mapping[str, float]
    ) -> Candidate:
        row = Row(self._columns, number)
        reserve = request.needed(row.pool.granularity)
        return Candidate(
            pool=row.pool.id,
            name=row.pool.name,
            backend=row.pool.backend,
            size=reserve // request.count,
            reserve=reserve,
            score=score,
            weights=weights,
            capabilities=row.capabilities,
        )


def no_placement(explanation: Explanation) -> NoPlacement:
    """The error that says why nothing was placed; also for when every candidate's reservation was refused."""
    return NoPlacement(explanation.sentence(), next_step=explanation.advice, explanation=explanation.to_json())


def _best(score: Vector, count: int) -> NDArray[np.intp]:
    """The places of the `count` highest scores, highest first."""
    total = len(score)
    if total > 4 * _SAMPLE:
        sample = score[:: total // _SAMPLE]
        # A score of which a few times `count` can be expected to be above; taken only if that many are.
        rank = max(1, 4 * count * len(sample) // total)
        threshold = np.partition(sample, len(sample) - rank)[len(sample) - rank]
        places = np.flatnonzero(score >= threshold)
        if len(places) < count:
            places = np.arange(total)
    else:
        places = np.arange(total)
    if len(places) > count:
        values = score.take(places)
        places = places.take(np.argpartition(values, len(values) - count)[len(values) - count :])
    return places.take(np.argsort(-score.take(places), kind="stable"))
