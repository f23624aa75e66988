"""One refused pool, with the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.pool import Pool
from .contract import Filter, Row
from .request import PlacementRequest


class Refusal:
    """A pool that a filter refused, as it was at that moment. `pool` is the pool as it was last reported."""

    __slots__ = ("_document", "_filter", "_request", "_row", "pool")

    def __init__(self, filter: Filter, row: Row, request: PlacementRequest) -> None:
        self._filter = filter
        self._row = row
        self.pool: Pool = row.pool
        self._request = request
        self._document: dict[str, Any] | None = None

    @property
    def filter(self) -> str:
        """The filter's name."""
        return self._filter.name

    @property
    def numbers(self) -> Mapping[str, Any]:
        """Why, as plain JSON values."""
        return self._filter.numbers(self._row, self._request)

    def to_json(self) -> dict[str, Any]:
        """The pool, the filter and the numbers; the same object each time, not to be changed."""
        if self._document is None:
            numbers = self._filter.numbers(self._row, self._request)
            self._document = {"pool": self.pool.id, "name": self.pool.name, "filter": self._filter.name, **numbers}
        return self._document
