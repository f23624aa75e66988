"""Consistency groups of a storage service. There are none: the engine takes no two volumes at one moment.

The collection says so to clients that look for it. It takes no POST, and no group has actions, for none is there.
"""

from __future__ import annotations

from .. import uris
from ..protocol.request import Request
from ..protocol.resource import SNIA, Collection, Window
from . import storage_service


def _list(request: Request, after: str | None, limit: int) -> Window:
    storage_service.load(request)
    return Window((), 0)


CONSISTENCY_GROUPS = Collection(
    type="ConsistencyGroupCollection",
    publisher=SNIA,
    path=uris.consistency_groups("{tenant}"),
    name="Consistency groups",
    list=_list,
    uri_of=lambda group, request: str(group),
)

SERVED = (CONSISTENCY_GROUPS,)
