"""Which objects somebody may see, in one call for each type whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..connection.soap import Connection
from ..hosts.reading import read_all
from ..inventory.item import Reference

_READ = "overallStatus"
"""Every entity has it, and it is given to who has System.Read there; a name is given to who has System.View, which one
has of all that stands above what one may see. To ask for privileges would fail as a whole where one object may not be
seen."""


def visible(connection: Connection, references: Sequence[Reference]) -> frozenset[Reference]:
    """Those that the session may read; what is gone is left out."""
    found: set[Reference] = set()
    for kind, same in groupby(sorted(set(references)), key=lambda each: each.kind):
        wanted = list(same)
        read = read_all(connection, [connection.reference(kind, each.moid) for each in wanted], _READ)
        found.update(each for each in wanted if _READ in read.get(each.moid, ()))
    return frozenset(found)
