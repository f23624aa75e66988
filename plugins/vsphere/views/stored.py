"""Volumes with what they lie in, as their systems say it; found by the names that they have on the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ....adapters.contract import Storage
from ....core.model.page import LARGEST_PAGE, Page, Query
from ....core.model.pool import Pool
from ....core.model.volume import Volume
from .asking import tried

_ONE_BY_ONE = 20
"""Up to so many volumes are asked for by their names; beyond it is quicker to list."""
_PAGES = 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A volume, the system that has it, its pool (None where that is not told) and the name of its profile."""

    system: str
    volume: Volume
    pool: Pool | None
    profile: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A system's pools and the names of its profiles, by id."""

    system: str
    pools: Mapping[str, Pool]
    profiles: Mapping[str, str]

    @classmethod
    def of(cls, system: str, storage: Storage) -> Shelf:
        pools = tried(lambda: storage.pools.list(Query(limit=LARGEST_PAGE)))
        profiles = tried(lambda: storage.profiles.list(Query(limit=LARGEST_PAGE)))
        return cls(
            system,
            {each.id: each for each in pools.items} if pools is not None else {},
            {each.id: each.name for each in profiles.items} if profiles is not None else {},
        )

    def stored(self, volume: Volume) -> Stored:
        return Stored(
            self.system, volume, self.pools.get(volume.pool or ""), self.profiles.get(volume.profile, volume.profile)
        )


def find(system: str, storage: Storage, identifiers: Collection[str]) -> Mapping[str, Stored]:
    """Those of the volumes that the system has, by identifier. Raises what the system raises."""
    wanted = frozenset(identifiers)
    if not wanted:
        return {}
    volumes = list(_by_name(storage, wanted) if len(wanted) <= _ONE_BY_ONE else _listed(storage, wanted))
    if not volumes:
        return {}
    shelf = Shelf.of(system, storage)
    return {str(each.identifier): shelf.stored(each) for each in volumes}


def _by_name(storage: Storage, wanted: Collection[str]) -> Iterator[Volume]:
    for identifier in wanted:
        yield from storage.volumes.list(Query(filters={"identifier": identifier}, limit=1)).items


def _listed(storage: Storage, wanted: Collection[str]) -> Iterator[Volume]:
    cursor: str | None = None
    for _ in range(_PAGES):
        page: Page[Volume] = storage.volumes.list(Query(limit=LARGEST_PAGE, cursor=cursor))
        yield from (each for each in page.items if each.identifier in wanted)
        cursor = page.next
        if cursor is None:
            return
