"""The volumes that lie in pools, as links to the storage services that own them."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.errors import Invalid
from ...core.model.page import LARGEST_PAGE, Page, Query
from ...core.model.volume import Volume
from .refusal import refuse
from .request import Request
from .resource import Window

_BETWEEN = "~"


def volumes_of(request: Request, pools: Sequence[str], after: str | None, limit: int) -> Window:
    """A piece of the volumes in these pools that the caller may see, pool after pool.

    Where a piece begins is the id of a pool and, within it, the core's own cursor.
    """
    pool, _, cursor = (after or "").partition(_BETWEEN)
    if after is not None and pool not in pools:
        raise refuse(400, "QueryParameterValueError", "$skiptoken")
    start = pools.index(pool) if after is not None else 0
    found: list[Volume] = []
    following: str | None = None
    for number in range(start, len(pools)):
        if len(found) == limit:
            following = f"{pools[number]}{_BETWEEN}"
            break
        page = _page(request, pools[number], cursor or None, limit - len(found))
        cursor = ""
        found += page.items
        if page.next is not None:
            following = f"{pools[number]}{_BETWEEN}{page.next}"
            break
    return Window(found, sum(_count(request, one) for one in pools), following)


def _page(request: Request, pool: str, cursor: str | None, limit: int) -> Page[Volume]:
    try:
        return request.storage.volumes.list(
            Query(filters={"pool": pool}, limit=min(limit, LARGEST_PAGE), cursor=cursor)
        )
    except Invalid:
        # Everything else here is our own: what does not fit is the client's cursor.
        raise refuse(400, "QueryParameterValueError", "$skiptoken") from None


def _count(request: Request, pool: str) -> int:
    return request.storage.volumes.list(Query(filters={"pool": pool}, limit=1, with_total=True)).total or 0
