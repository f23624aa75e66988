"""The ESXi hosts, and as which hosts the storage systems know them: by their initiators' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....adapters.contract import Storage
from ....core.errors import IsthmusError
from ....core.model.host import Host
from ....core.model.page import LARGEST_PAGE, Page, Query
from ....ui_bridge.block import Block, Entry, Level, Notice, Table, text
from ..inventory.item import Item, Reference
from ..vcenters.privileges import MANAGE
from .devices import Devices, devices
from .host import adapter, connection
from .scene import MOST_ROWS, Scene, inventoried


def page(scene: Scene) -> Sequence[Block]:
    """One row for each ESXi host; for those who look after hosts also the storage's that are none of these."""
    words = scene.words
    items, trouble = inventoried(scene, "HostSystem")
    shown = items[:MOST_ROWS]
    found, unread = _read(scene, shown)
    answers = scene.ask(lambda _, storage: _listed(storage))
    known = _by_initiator(answers.found)
    rows = [_row(scene, each, found.get(each.reference), known) for each in shown]
    columns = words.columns("host", "connection", "adapter", "initiator", "known")
    table = Table("hosts", words("hosts"), columns, rows, words("hosts.none"), more=len(items) > MOST_ROWS)
    blocks = [*scene.warnings(answers), *trouble, *unread, table]
    if scene.may(MANAGE):
        blocks.append(_others(scene, answers.found, found))
    return blocks


def _listed(storage: Storage) -> Page[Host]:
    return storage.hosts.list(Query(sort="name", limit=LARGEST_PAGE))


def _read(scene: Scene, items: Sequence[Item]) -> tuple[Mapping[Reference, Devices], list[Block]]:
    """The adapters of all hosts at once, or why there are none."""
    hosts = [each.reference for each in items]
    try:
        return scene.seat.ask(lambda connection, who: devices(connection, hosts, adapters_only=True)), []
    except IsthmusError as error:
        message, cure = scene.words.told(error)
        return {}, [Notice(Level.WARNING, message, cure)]


def _by_initiator(found: Mapping[str, Page[Host]]) -> Mapping[str, list[str]]:
    """What systems call the host with an initiator: `SYSTEM: NAME`, or the name alone in a single system."""
    known: dict[str, list[str]] = {}
    for system, page in found.items():
        for host in page.items:
            said = host.name if len(found) == 1 else f"{system}: {host.name}"
            for each in host.initiators:
                known.setdefault(each.name, []).append(said)
    return known


def _row(scene: Scene, item: Item, found: Devices | None, known: Mapping[str, list[str]]) -> Entry:
    names = _initiators(found)
    said = [each for name in names for each in known.get(name, ())]
    cells = {
        "host": scene.cell(item),
        "connection": connection(scene, item),
        "adapter": adapter(scene, found),
        "initiator": text(None if found is None else ", ".join(names)),
        "known": text(None if found is None else ", ".join(dict.fromkeys(said))),
    }
    return Entry(item.reference.moid, cells, scene.actions("HostSystem"), scene.urn(item.reference))


def _others(scene: Scene, found: Mapping[str, Page[Host]], here: Mapping[Reference, Devices]) -> Table:
    """Hosts of the storage that are none of the vCenter's."""
    words = scene.words
    mine = {name for each in here.values() for name in _initiators(each)}
    rows = [
        Entry(
            host.id,
            {
                "name": text(host.name),
                "system": text(system),
                "initiator": text(", ".join(each.name for each in host.initiators)),
            },
        )
        for system, page in found.items()
        for host in page.items
        if mine.isdisjoint(each.name for each in host.initiators)
    ]
    columns = words.columns("name", "system", "initiator")
    return Table(
        "others",
        words("hosts.others"),
        columns,
        rows[:MOST_ROWS],
        words("hosts.others.none"),
        more=len(rows) > MOST_ROWS,
    )


def _initiators(found: Devices | None) -> list[str]:
    return [each.iqn for each in found.adapters if each.iqn] if found is not None else []
