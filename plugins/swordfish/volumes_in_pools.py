"""The volumes that lie in pools, as links to the storage services that own them. Snapshots are volumes here too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ...core.errors import Invalid
from ...core.model.page import LARGEST_PAGE, Page, Query
from ...core.model.snapshot import Snapshot
from ...core.model.volume import Volume
from . import uris
from .protocol.refusal import refuse
from .protocol.request import Request
from .protocol.resource import Window

_BETWEEN = "~"
_Listed: TypeAlias = "Page[Volume] | Page[Snapshot]"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one list of the core holds of one pool; `name` is unique among the parts of a collection."""

    name: str
    list: Callable[[Query], _Listed]
    pool: str

    def page(self, query: Query) -> _Listed:
        return self.list(replace(query, filters={"pool": self.pool}))

    def count(self) -> int:
        return self.page(Query(limit=1, with_total=True)).total or 0


def volumes_of(request: Request, pools: Sequence[str], after: str | None, limit: int) -> Window:
    """A piece of what lies in these pools and the caller may see: pool after pool volumes, then snapshots.

    A piece begins at a part and, within it, at the core's own cursor.
    """
    parts = tuple(_parts(request, pools))
    start, cursor = 0, ""
    if after is not None:
        begin, _, cursor = after.partition(_BETWEEN)
        start = next((number for number, part in enumerate(parts) if part.name == begin), len(parts))
        if start == len(parts):
            raise refuse(400, "QueryParameterValueError", "$skiptoken")
    found: list[str] = []
    following: str | None = None
    counted: dict[str, int] = {}
    for part in parts[start:]:
        if len(found) == limit:
            following = part.name
            break
        page = _page(part, Query(limit=min(limit - len(found), LARGEST_PAGE), cursor=cursor or None))
        if not cursor and page.next is None:
            counted[part.name] = len(page.items)
        cursor = ""
        found += [uris.volume(one.tenant, one.id) for one in page.items]
        if page.next is not None:
            following = f"{part.name}{_BETWEEN}{page.next}"
            break
    # What was read to its end need not be counted.
    total = sum(counted[part.name] if part.name in counted else part.count() for part in parts)
    return Window(found, total, following)


def _parts(request: Request, pools: Sequence[str]) -> Iterator[_Part]:
    for pool in pools:
        yield _Part(f"{pool}.v", request.storage.volumes.list, pool)
        yield _Part(f"{pool}.s", request.storage.snapshots.list, pool)


def _page(part: _Part, query: Query) -> _Listed:
    try:
        return part.page(query)
    except Invalid:
        # Everything else in the query is our own: what does not fit is the client's cursor.
        raise refuse(400, "QueryParameterValueError", "$skiptoken") from None
