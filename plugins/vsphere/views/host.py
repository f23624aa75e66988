"""An ESXi host: the card on its summary, and its page with adapters, targets, and disks with their volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....core.errors import IsthmusError
from ....ui_bridge.block import Block, Cell, Entry, Facts, Level, Notice, Table, number, size, text
from ..inventory.item import Item
from ..settings.findings import Difference
from . import findings
from .devices import Devices, Disk, devices
from .disks import by_disk, disks
from .scene import MOST_ROWS, Scene
from .stored import Stored, find


def card(scene: Scene) -> Sequence[Block]:
    """Whether it can have our storage, and what it has of it."""
    words, host = scene.words, scene.item()
    stores = scene.named(host.get("datastore") or ())
    names = {disk for store in stores for disk in disks(store)}
    answers = scene.ask(lambda system, storage: find(system, storage, names))
    ours = {name for found in answers.found.values() for name in found}
    mine = [store for store in stores if ours.intersection(disks(store))]
    found, trouble = _read(scene, host)
    facts = [
        (words("connection"), connection(scene, host)),
        (words("adapter.software"), adapter(scene, found)),
        (words("initiator"), text(found.software.iqn if found is not None and found.software is not None else None)),
        (words("datastores.ours"), number(len(mine))),
        (words("datastores.all"), number(len(stores))),
        (words("paths"), _all_paths(scene, found, ours)),
    ]
    differing = findings.found(scene, host, ours)
    if not isinstance(differing, Notice):
        facts.append((words("findings"), _counted(scene, differing)))
    return [*scene.warnings(answers), *trouble, Facts(words("host"), facts)]


def page(scene: Scene) -> Sequence[Block]:
    """Its adapters, the targets that they are logged in to, and its disks with what lies behind them."""
    words, host = scene.words, scene.item()
    found, trouble = _read(scene, host)
    if found is None:
        return [*scene.stale(), *trouble]
    names = {each.name for each in found.disks}
    answers = scene.ask(lambda system, storage: find(system, storage, names))
    stored = {name: each for volumes in answers.found.values() for name, each in volumes.items()}
    stores = by_disk(scene.named(host.get("datastore") or ()))
    differing = findings.found(scene, host, stored)
    return [
        *scene.warnings(answers),
        Facts(
            words("host"),
            [(words("connection"), connection(scene, host)), (words("adapter.software"), adapter(scene, found))],
        ),
        _disks(scene, found, stored, stores),
        differing if isinstance(differing, Notice) else findings.table(scene, differing),
        _targets(scene, found),
        _adapters(scene, found),
    ]


def connection(scene: Scene, host: Item) -> Cell:
    """Whether the vCenter reaches it."""
    if host.get("runtime.inMaintenanceMode"):
        return scene.words.state("host", "maintenance")
    return scene.words.state("host", str(host.get("runtime.connectionState", "")))


def adapter(scene: Scene, found: Devices | None) -> Cell:
    """The software iSCSI adapter."""
    if found is None:
        return text(None)
    if found.software is None:
        return scene.words.state("adapter", "missing")
    offline = found.software.status == "offline"
    word = scene.words.known(f"state.adapter.{'offline' if offline else 'online'}", found.software.status)
    return scene.words.state("adapter", "offline" if offline else "online", f"{found.software.device}: {word}")


def paths(scene: Scene, disk: Disk) -> Cell:
    """How many of its paths work."""
    how = "well" if disk.active == disk.paths > 0 else "some" if disk.active else "none"
    return scene.words.state("paths", how, scene.words("paths.of", active=disk.active, paths=disk.paths))


def _all_paths(scene: Scene, found: Devices | None, ours: set[str]) -> Cell:
    """Those to our volumes."""
    mine = [each for each in found.disks if each.name in ours] if found is not None else []
    if not mine:
        return text(None if found is None else "")
    whole = Disk("", "", "", None, "", sum(each.active for each in mine), sum(each.paths for each in mine))
    return paths(scene, whole)


def _counted(scene: Scene, differing: Sequence[Difference]) -> Cell:
    """How many settings differ, as badly as the worst does."""
    if not differing:
        return scene.words.state("findings", "none")
    said = scene.words("findings.count", count=len(differing))
    return scene.words.state("finding", differing[0].rule.severity, said)


def _read(scene: Scene, host: Item) -> tuple[Devices | None, list[Block]]:
    """What the host has, or why it is not shown."""
    try:
        found = scene.seat.ask(lambda connection, who: devices(connection, [host.reference]))
    except IsthmusError as error:
        message, cure = scene.words.told(error)
        return None, [Notice(Level.WARNING, message, cure)]
    if host.reference not in found:
        return None, [scene.words.notice(Level.INFO, "devices.hidden", host=host.name)]
    return found[host.reference], []


def _disks(scene: Scene, found: Devices, stored: Mapping[str, Stored], stores: Mapping[str, Item]) -> Table:
    words = scene.words
    # Ours first: they are what one comes for.
    ordered = sorted(found.disks, key=lambda each: (each.name not in stored, each.name))
    rows = [_disk(scene, each, stored.get(each.name), stores.get(each.name)) for each in ordered[:MOST_ROWS]]
    columns = words.columns("disk", "size", "state", "paths", "datastore", "volume", "pool", "profile", "system")
    return Table("disks", words("disks"), columns, rows, words("disks.none"), more=len(ordered) > MOST_ROWS)


def _disk(scene: Scene, disk: Disk, stored: Stored | None, store: Item | None) -> Entry:
    cells = {
        "disk": text(disk.name),
        "size": size(disk.size),
        "state": scene.words.state("disk", disk.state),
        "paths": paths(scene, disk),
        "datastore": scene.cell(store) if store is not None else text(""),
        "volume": text(stored.volume.name if stored is not None else ""),
        "pool": text("" if stored is None else stored.pool.name if stored.pool is not None else None),
        "profile": text(stored.profile if stored is not None else ""),
        "system": text(stored.system if stored is not None else ""),
    }
    if stored is None or store is None:
        return Entry(disk.name, cells)
    return Entry(disk.name, cells, scene.actions("Datastore"), scene.urn(store.reference))


def _targets(scene: Scene, found: Devices) -> Table:
    words = scene.words
    rows = [
        Entry(
            f"{each.adapter} {each.iqn} {' '.join(each.portals)}",
            {
                "target": text(each.iqn),
                "portals": text(", ".join(each.portals)),
                "adapter": text(each.adapter),
                "disks": number(each.disks),
            },
        )
        for each in found.targets[:MOST_ROWS]
    ]
    columns = words.columns("target", "portals", "adapter", "disks")
    return Table("targets", words("targets"), columns, rows, words("targets.none"), more=len(found.targets) > MOST_ROWS)


def _adapters(scene: Scene, found: Devices) -> Table:
    words = scene.words
    rows = [
        Entry(
            each.device,
            {
                "adapter": text(each.device),
                "model": text(each.model),
                "status": words.state("adapter", each.status),
                "initiator": text(each.iqn),
            },
        )
        for each in found.adapters
    ]
    columns = words.columns("adapter", "model", "status", "initiator")
    return Table("adapters", words("adapters"), columns, rows, words("adapters.none"))
