"""All that is known of a volume or a snapshot at one moment, read once for all of its properties.

A GET of a volume is to cost next to nothing, and lists of its snapshots, copies and attachments cost more than all the
rest. The engine raises the version of a volume (of a snapshot) with each snapshot, copy and attachment that it gets, so
what was found at one version is found at the same version again. Only the end of a copy leaves the version alone;
copies are therefore looked up again. Pools and profiles, which thousands of volumes share, are read once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from time import monotonic
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import NotFound
from ....core.model.attachment import Attachment
from ....core.model.host import Host
from ....core.model.operation import Operation
from ....core.model.page import Page, Query
from ....core.model.pool import Pool
from ....core.model.profile import Profile
from ....core.model.snapshot import Snapshot
from ....core.model.volume import Volume
from ..protocol.request import Request

_MOST_KEPT = 4096
_MOST_COPIES = 4
"""Copies that are looked up one by one; more are listed anew."""
_PAGE = 1000
_FRESH = 1.0
"""Seconds for which a pool or a profile is not read again."""


@dataclass(frozen=True, slots=True)
class Related:
    """What depends on a volume or a snapshot: ids of snapshots and of volumes made from it, and its attachments."""

    snapshots: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """A volume or a snapshot (`noun`) and what surrounds it.

    `pool` is where it lies. `profile` is that of a volume. `source` is what it was made from, None once that is gone;
    a snapshot's source is its volume. `operation` is the one that changes it now. `hosts` are those it is attached to.
    """

    noun: Volume | Snapshot
    related: Related
    pool: Pool | None = None
    profile: Profile | None = None
    source: Volume | Snapshot | None = None
    operation: Operation | None = None
    hosts: Sequence[Host] = ()

    @property
    def id(self) -> str:
        return self.noun.id

    @property
    def tenant(self) -> str:
        return self.noun.tenant

    @property
    def version(self) -> int:
        return self.noun.version

    @property
    def volume(self) -> Volume | None:
        """The volume, None for a snapshot."""
        return self.noun if isinstance(self.noun, Volume) else None

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot, None for a volume."""
        return self.noun if isinstance(self.noun, Snapshot) else None

    @property
    def targets(self) -> tuple[str, ...]:
        """Ids of its replicas: snapshots first, then volumes made from it."""
        return self.related.snapshots + self.related.copies

    @property
    def thin(self) -> bool | None:
        """Whether it is thinly provisioned; None where nothing says so for certain.

        A pool may be able to do both, and a profile may have been changed since the volume was placed by it.
        """
        if self.pool is not None and self.pool.thin != self.pool.thick:
            return self.pool.thin
        if self.profile is None or self.profile.updated_at > self.noun.created_at:
            return None
        storage = self.profile.properties.get("provisioningProperties", {}).get("dataStorage", {})
        return bool(storage.get("provisioningPolicy", "Thin") == "Thin")


_kept: dict[str, tuple[int, Related]] = {}
_shared: dict[str, tuple[float, Any]] = {}


def load(request: Request) -> Facts:
    """The facts of the volume or snapshot in the path; raises `NotFound`."""
    storage, wanted = request.tenant_storage, request.params["volume"]
    noun = find(storage, wanted)
    if noun is None or noun.tenant != request.params["tenant"]:
        raise NotFound(f"There is no volume {wanted} in this storage service.")
    related = _related(storage, noun)
    return Facts(
        noun,
        related,
        pool=None if noun.pool is None else _lately(storage.pools.get, noun.pool),
        profile=_lately(storage.profiles.get, noun.profile) if isinstance(noun, Volume) else None,
        source=_source(storage, noun),
        operation=_operation(storage, noun),
        hosts=_hosts(storage, related.attachments) if related.attachments else (),
    )


def find(storage: Storage, identifier: str) -> Volume | Snapshot | None:
    """The volume or snapshot with this id."""
    found: Volume | Snapshot | None = _got(storage.volumes.get, identifier) or _got(storage.snapshots.get, identifier)
    return found


def _got(get: Callable[[str], Any], identifier: str) -> Any:
    try:
        return get(identifier)
    except NotFound:
        return None


def _lately(get: Callable[[str], Any], identifier: str) -> Any:
    """What was there within the last second, for anybody who asks."""
    known = _shared.get(identifier)
    if known is not None and known[0] > monotonic():
        return known[1]
    found = _got(get, identifier)
    # That this caller may not see it says nothing to others.
    if found is not None:
        if len(_shared) >= _MOST_KEPT:
            _shared.clear()
        _shared[identifier] = (monotonic() + _FRESH, found)
    return found


def _source(storage: Storage, noun: Volume | Snapshot) -> Volume | Snapshot | None:
    found: Volume | Snapshot | None = None
    if isinstance(noun, Snapshot):
        found = _got(storage.volumes.get, noun.volume)
    elif noun.source_snapshot is not None:
        found = _got(storage.snapshots.get, noun.source_snapshot)
    elif noun.source_volume is not None:
        found = _got(storage.volumes.get, noun.source_volume)
    return found if found is not None and found.tenant == noun.tenant else None


def _operation(storage: Storage, noun: Volume | Snapshot) -> Operation | None:
    if noun.operation is None:
        return None
    found: Operation | None = _got(storage.operations.get, noun.operation)
    return found


def _hosts(storage: Storage, attachments: Sequence[Attachment]) -> Sequence[Host]:
    found = (_got(storage.hosts.get, host) for host in dict.fromkeys(one.host for one in attachments))
    return [host for host in found if host is not None]


def _related(storage: Storage, noun: Volume | Snapshot) -> Related:
    known = _kept.get(noun.id)
    if known is None or known[0] != noun.version or len(known[1].copies) > _MOST_COPIES:
        return _listed(storage, noun)
    related = known[1]
    there = tuple(copy for copy in related.copies if _got(storage.volumes.get, copy) is not None)
    return related if there == related.copies else Related(related.snapshots, there, related.attachments)


def _listed(storage: Storage, noun: Volume | Snapshot) -> Related:
    if isinstance(noun, Snapshot):
        found = Related(copies=_ids(storage.volumes.list, "source_snapshot", noun.id))
    else:
        found = Related(
            _ids(storage.snapshots.list, "volume", noun.id),
            _ids(storage.volumes.list, "source_volume", noun.id),
            tuple(all_with(storage.attachments.list, "volume", noun.id)),
        )
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[noun.id] = (noun.version, found)
    return found


def _ids(listing: Callable[[Query], Page[Any]], name: str, value: str) -> tuple[str, ...]:
    return tuple(one.id for one in all_with(listing, name, value))


def all_with(listing: Callable[[Query], Page[Any]], name: str, value: str) -> Sequence[Any]:
    """Every member of a list that has this value."""
    pages, cursor = [], None
    while True:
        page = listing(Query(filters={name: value}, limit=_PAGE, cursor=cursor))
        pages.append(page.items)
        cursor = page.next
        if cursor is None:
            return list(chain.from_iterable(pages))
