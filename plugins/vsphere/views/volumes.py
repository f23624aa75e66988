"""The tenant's volumes in all systems, with the datastores on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....adapters.contract import Storage
from ....core.model.page import Query
from ....ui_bridge.block import Block, Entry, Table, moment, size, text
from ..inventory.item import Item
from .disks import by_disk
from .scene import MOST_ROWS, Scene, inventoried
from .stored import Shelf, Stored


@dataclass(frozen=True, slots=True)
class _Listed:
    volumes: Sequence[Stored]
    more: bool


def page(scene: Scene) -> Sequence[Block]:
    """One row for each, the newest first."""
    words = scene.words
    answers = scene.ask(_listed)
    stores, trouble = inventoried(scene, "Datastore")
    on = by_disk(stores)
    volumes = [each for found in answers.found.values() for each in found.volumes]
    volumes.sort(key=lambda each: each.volume.created_at, reverse=True)
    columns = words.columns("name", "state", "size", "datastore", "profile", "pool", "system", "created")
    table = Table(
        "volumes",
        words("volumes"),
        columns,
        [_row(scene, each, on) for each in volumes[:MOST_ROWS]],
        words("volumes.none"),
        more=len(volumes) > MOST_ROWS or any(each.more for each in answers.found.values()),
    )
    return [*scene.warnings(answers), *trouble, table]


def _listed(system: str, storage: Storage) -> _Listed:
    found = storage.volumes.list(Query(sort="-created_at", limit=MOST_ROWS))
    shelf = Shelf.of(system, storage)
    return _Listed([shelf.stored(each) for each in found.items], found.next is not None)


def _row(scene: Scene, stored: Stored, on: Mapping[str, Item]) -> Entry:
    volume = stored.volume
    store = on.get(volume.identifier or "")
    cells = {
        "name": text(volume.name),
        "state": scene.words.state("volume", volume.state),
        "size": size(volume.size),
        "datastore": scene.cell(store) if store is not None else text(""),
        "profile": text(stored.profile),
        "pool": text(stored.pool.name if stored.pool is not None else None),
        "system": text(stored.system),
        "created": moment(volume.created_at),
    }
    if store is None:
        return Entry(volume.id, cells)
    return Entry(volume.id, cells, scene.actions("Datastore"), scene.urn(store.reference))
