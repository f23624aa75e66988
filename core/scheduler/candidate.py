"""The pools that are left, best first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from ..model.pool import Pool
from ..profiles.capabilities import Capabilities
from .request import PlacementRequest


class Candidate:
    """A pool that passed every filter. `reserve` is what it must promise, `size` one object's size, in bytes.

    `weights` is what each weigher said (0 to 1, before its weight), `score` their weighted sum.
    """

    __slots__ = ("_capabilities", "_pool", "_request", "score", "weights")

    def __init__(
        self,
        request: PlacementRequest,
        pool: Pool,
        capabilities: Capabilities,
        score: float,
        weights: Mapping[str, float],
    ) -> None:
        self._request = request
        self._pool = pool
        self._capabilities = capabilities
        self.score = score
        self.weights = weights

    @property
    def pool(self) -> str:
        """The pool's id."""
        return self._pool.id

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._pool.name

    @property
    def backend(self) -> str:
        """The back end's id."""
        return self._pool.backend

    @property
    def reserve(self) -> int:
        """Bytes that the pool must promise: all objects of the request in its granularity."""
        return self._request.needed(self._pool.granularity)

    @property
    def size(self) -> int:
        """Bytes of one object in the pool's granularity."""
        return self.reserve // self._request.count

    @property
    def unenforced(self) -> tuple[str, ...]:
        """What the profile asks and this pool does not enforce, by the properties' dotted names."""
        return self._request.requirement.unenforced_on(self._capabilities)

    def __repr__(self) -> str:
        return f"Candidate(pool={self.pool!r}, score={self.score:.4f})"

    def to_json(self) -> dict[str, Any]:
        return {
            "pool": self.pool,
            "name": self.name,
            "backend": self.backend,
            "score": _short(self.score),
            "weights": {name: _short(value) for name, value in self.weights.items()},
            "unenforced": list(self.unenforced),
        }


class Candidates(Sequence[Candidate]):
    """Candidates in the order in which they should be reserved; each is made, and its `weights` asked for by its place,
    when it is looked at.

    They are given best first, and `first` is the place of the one that is to come before all others.
    """

    __slots__ = ("_capabilities", "_first", "_pools", "_request", "_scores", "_weights")

    def __init__(
        self,
        request: PlacementRequest,
        pools: Sequence[Pool | None],
        capabilities: Sequence[Capabilities],
        scores: Sequence[float],
        weights: Callable[[int], Mapping[str, float]],
        first: int = 0,
    ) -> None:
        self._request = request
        self._first = first
        self._pools = pools
        self._capabilities = capabilities
        self._scores = scores
        self._weights = weights

    def __len__(self) -> int:
        return len(self._pools)

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Candidate]: ...
    def __getitem__(self, place: int | slice) -> Candidate | Sequence[Candidate]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        turn = range(len(self))[place]
        at = self._first if turn == 0 else turn - 1 if turn <= self._first else turn
        pool = self._pools[at]
        if pool is None:
            raise LookupError("a candidate's row holds no pool")
        return Candidate(
            self._request,
            pool,
            self._capabilities[at],
            self._scores[at],
            self._weights(at),
        )


def _short(value: float) -> float:
    """Four places. `round` writes the number out in decimal and reads it again, which costs five times as much."""
    return int(value * 10_000 + (0.5 if value >= 0 else -0.5)) / 10_000
