"""Back ends as callers may know of them.

Administrators read back ends; a tenant's user sees pools, which name theirs. For such a user a back end is what its
pools tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...core.errors import Forbidden, NotFound
from ...core.model.backend import Backend
from ...core.model.page import LARGEST_PAGE, Query
from ...core.model.pool import Pool
from . import uris
from .protocol.request import Request
from .protocol.resource import Window
from .protocol.windows import window_of


@dataclass(frozen=True, slots=True)
class Array:
    """A back end: by itself where the caller may read it, else (`backend` None) by its pools."""

    id: str
    backend: Backend | None
    pools: Sequence[Pool]


def find(request: Request) -> Array:
    """The back end in the path; raises `NotFound`."""
    wanted = request.params["backend"]
    backend: Backend | None = None
    try:
        backend = request.administration.backends.get(wanted)
        if backend.id != wanted:
            raise _absent(wanted)
    except Forbidden:
        pass
    try:
        pools = tuple(pools_of(request, wanted))
    except Forbidden:
        # It is a back end's name, not its id: who may not read back ends does not learn of it.
        raise _absent(wanted) from None
    if backend is None and not pools:
        raise _absent(wanted)
    return Array(wanted, backend, pools)


def find_pool(request: Request) -> Pool:
    """The pool in the path, below its own back end; raises `NotFound`."""
    wanted, backend = request.params["pool"], request.params["backend"]
    pool = request.storage.pools.get(wanted)
    if pool.id != wanted or pool.backend != backend:
        raise NotFound(f"There is no pool {wanted} in {backend}.")
    return pool


def pools_of(request: Request, backend: str | None) -> Iterator[Pool]:
    """The pools of a back end, or of all (None)."""
    filters = {} if backend is None else {"backend": backend}
    cursor: str | None = None
    while True:
        page = request.storage.pools.list(Query(filters=filters, limit=LARGEST_PAGE, cursor=cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def window(request: Request, after: str | None, limit: int) -> Window:
    """A piece of all back ends that the caller may know of."""
    try:
        page = request.administration.backends.list(Query(limit=max(limit, 1), cursor=after, with_total=True))
    except Forbidden:
        named = dict.fromkeys(pool.backend for pool in pools_of(request, None))
        return window_of([uris.storage(backend) for backend in named], after, limit)
    return Window([uris.storage(backend.id) for backend in page.items], page.total or 0, page.next)


def _absent(backend: str) -> NotFound:
    return NotFound(f"There is no storage {backend}.", next_step="Look into /redfish/v1/Storage.")
