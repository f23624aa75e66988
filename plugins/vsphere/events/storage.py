"""What the storage systems say of a tenant's things, all of them at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ....adapters.contract import Adapter, Storage
from ....core.context import Context
from ....core.errors import IsthmusError, NotOffered
from ....core.model.attachment import Attachment
from ....core.model.host import Host
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from ....core.model.pool import Pool
from ....core.model.volume import Volume
from ..actions.stage import everything


@dataclass(frozen=True, slots=True)
class SystemView:
    """One system that answered: volumes and pools by id, hosts by id, attachments, and the operations that wait for a
    person."""

    name: str
    storage: Storage
    volumes: Mapping[str, Volume]
    pools: Mapping[str, Pool]
    hosts: Mapping[str, Host]
    attachments: tuple[Attachment, ...]
    waiting: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class StorageView:
    """The systems that answered, by name, and why others did not."""

    systems: Mapping[str, SystemView]
    silent: Mapping[str, IsthmusError]

    def identifiers(self) -> Mapping[str, tuple[SystemView, Volume]]:
        """All volumes by their names on the wire."""
        return {
            volume.identifier: (system, volume)
            for system in self.systems.values()
            for volume in system.volumes.values()
            if volume.identifier
        }


def view(systems: Mapping[str, Adapter], context: Context) -> StorageView:
    """Ask all systems; one that fails is among the silent, and one without volumes is none of ours."""
    found: dict[str, SystemView] = {}
    silent: dict[str, IsthmusError] = {}
    for name, adapter in systems.items():
        try:
            found[name] = _asked(name, adapter.storage(context))
        except NotOffered:
            continue
        except IsthmusError as error:
            silent[name] = error
    return StorageView(found, silent)


def _asked(name: str, storage: Storage) -> SystemView:
    volumes: dict[str, Volume] = {each.id: each for each in everything(storage.volumes.list)}
    return SystemView(
        name,
        storage,
        volumes,
        {each.id: each for each in _offered(storage.pools.list)},
        {each.id: each for each in _offered(storage.hosts.list)},
        tuple(_offered(storage.attachments.list)),
        tuple(_offered(storage.operations.list, state=OperationState.NEEDS_ATTENTION)),
    )


def _offered(listed: Callable[[Query], Any], **filters: Any) -> Iterator[Any]:
    try:
        yield from everything(listed, **filters)
    except NotOffered:
        return
