"""What a filter and a weigher promise. Third parties add theirs as extensions of `isthmus.filters` and
`isthmus.weighers`: an entry point names the class, the plugin manager makes it with no arguments.

Rules for all: no I/O, no locks, no state that a decision changes; every decision calls them while the columns stand
still. Where they are given vectors they work on whole vectors: a loop over pools in Python costs what the columns
save. They must not raise for any pool, whatever it reports; one that raises fails the decision.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .request import PlacementRequest
from .view import Classes, Mask, Pools, Row, Vector

CONTRACT_VERSION = 1

__all__ = [
    "CONTRACT_VERSION",
    "ClassFilter",
    "Classes",
    "Filter",
    "Mask",
    "PlacementRequest",
    "PoolFilter",
    "PoolWeigher",
    "Pools",
    "RequestWeigher",
    "Row",
    "Vector",
    "Weigher",
]


class Filter(ABC):
    """What both kinds of filters share. `name` is what administrators and explanations call it.

    `advice` is the next thing to do for somebody whose request was refused mostly by this filter.
    """

    name: ClassVar[str]
    contract_version: ClassVar[int] = CONTRACT_VERSION
    advice: ClassVar[str] = "Look at the explanation to see which pool was refused by what."

    @abstractmethod
    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        """Why this pool, which the filter refused, was refused: plain JSON values, sizes in bytes."""

    def remark(self, refused: Sequence[Mapping[str, Any]], request: PlacementRequest) -> str:
        """A few words for the sentence that says that no pool is left, made from some of the numbers; or nothing."""
        return ""


class ClassFilter(Filter):
    """A filter on what pools of a class share: state, zone, thin and thick, granularity, capabilities, abilities.

    Class filters run before pool filters, on some dozens of entries whatever the number of pools, and their masks
    are kept for as long as no pool changes its class.
    """

    @abstractmethod
    def key(self, request: PlacementRequest) -> Hashable | None:
        """All that the mask depends on in the request; None when it asks nothing of the kind and every pool passes."""

    @abstractmethod
    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        """True for each class that may be used."""


class PoolFilter(Filter):
    """A filter on what differs from pool to pool."""

    @abstractmethod
    def pools(self, pools: Pools, request: PlacementRequest) -> Mask | None:
        """True for each pool that may be used; None when the request asks nothing of the kind."""

    def nearest(self, refused: Pools, count: int) -> NDArray[np.intp]:
        """The rows of the `count` refused pools that are most worth telling of, when nothing is left."""
        return refused.rows[:count]


class Weigher(ABC):
    """Says how good each pool is, from 0 (worst) to 1 (best), by a formula that does not depend on other pools.

    The scheduler multiplies by the weight set for `name`, or `weight` when none is set, and adds all up. A weight
    may be negative; with 0 the weigher is not asked. Weighers are made from `PoolWeigher` or `RequestWeigher`.
    """

    name: ClassVar[str]
    contract_version: ClassVar[int] = CONTRACT_VERSION
    weight: ClassVar[float] = 1.0
    #: What an administrator may set; the plugin manager reads it.
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "weight": {
                "type": "number",
                "minimum": -1000,
                "maximum": 1000,
                "description": "How much it counts; negative turns its meaning round, 0 leaves it out.",
            }
        },
    }


class PoolWeigher(Weigher):
    """A weigher of the pool as it stands, whatever is asked for. It is asked when something of the pool changes."""

    @abstractmethod
    def value(self, row: Row, thin: bool) -> float:
        """The value of this pool for thin, or for thick, placements."""


class RequestWeigher(Weigher):
    """A weigher of what depends on the request, or on more than the pool. It is asked at every decision."""

    @abstractmethod
    def weigh(self, pools: Pools, request: PlacementRequest) -> Vector:
        """The value of each pool; all of them have passed every filter."""
