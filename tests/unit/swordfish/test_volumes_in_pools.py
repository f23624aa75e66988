"""What lies in several pools is one collection, in pieces of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from isthmus.core.errors import Invalid
from isthmus.core.model.page import Page, Query
from isthmus.plugins.swordfish.protocol.refusal import Refusal
from isthmus.plugins.swordfish.protocol.request import Request
from isthmus.plugins.swordfish.volumes_in_pools import volumes_of

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True, slots=True)
class Thing:
    id: str
    tenant: str = "blue"


class Listing:
    """A list of the core's: things by pool, and cursors that only it gives."""

    def __init__(self, things: dict[str, list[str]]) -> None:
        self._things = things

    def list(self, query: Query) -> Page[Thing]:
        things = self._things[query.filters["pool"]]
        if query.cursor is not None and not query.cursor.startswith("after-"):
            raise Invalid("a foreign cursor")
        start = int((query.cursor or "after-0").removeprefix("after-"))
        end = start + query.limit
        found = [Thing(thing) for thing in things[start:end]]
        return Page(found, f"after-{end}" if end < len(things) else None, len(things) if query.with_total else None)


@dataclass(frozen=True, slots=True)
class Storage:
    volumes: Listing
    snapshots: Listing


@dataclass(frozen=True, slots=True)
class Asking:
    storage: Storage


def asking(pools: list[tuple[int, int]]) -> tuple[Request, list[str], list[str]]:
    """A request, the pools, and what lies in them in its order: so many volumes and so many snapshots in each."""
    names = [f"pool{number}" for number in range(len(pools))]
    volumes = {name: [f"{name}-v{n}" for n in range(count)] for name, (count, _) in zip(names, pools, strict=True)}
    snapshots = {name: [f"{name}-s{n}" for n in range(count)] for name, (_, count) in zip(names, pools, strict=True)}
    everything = [thing for name in names for thing in (*volumes[name], *snapshots[name])]
    request: Any = Asking(Storage(Listing(volumes), Listing(snapshots)))
    return cast(Request, request), names, everything


counts = some.integers(0, 4)


@CALM
@given(some.lists(some.tuples(counts, counts), max_size=4), some.integers(1, 6))
def test_pieces_of_any_size_are_the_whole(pools: list[tuple[int, int]], size: int) -> None:
    request, names, everything = asking(pools)
    found: list[str] = []
    after: str | None = None
    for _ in range(len(everything) + 1):
        window = volumes_of(request, names, after, size)
        assert window.total == len(everything)
        assert len(window.members) == size or window.next is None or window.members
        found += [uri.rpartition("/")[2] for uri in window.members]
        after = window.next
        if after is None:
            break
    assert after is None and found == everything


@pytest.mark.parametrize("after", ["", "x", "~", "pool9.v", "pool0.x", "pool0.v~x"])
def test_a_place_that_nobody_gave_is_refused(after: str) -> None:
    request, names, _ = asking([(2, 1)])
    with pytest.raises(Refusal) as caught:
        volumes_of(request, names, after, 5)
    assert caught.value.status == 400
