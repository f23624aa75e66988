"""A virtual machine: each of its disks with the datastore, the volume, the pool, the profile and the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....core.errors import IsthmusError
from ....ui_bridge.block import Block, Entry, Table, size, text
from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..inventory.collector import reference
from ..inventory.item import Item, Reference
from .devices import devices
from .disks import disks
from .scene import MOST_ROWS, Scene
from .stored import Stored, find

_DEVICES = "config.hardware.device"
_MACHINE = "VirtualMachine"


@dataclass(frozen=True, slots=True)
class VirtualDisk:
    """A disk of a machine: a file on a datastore, or with `raw` a volume of its own by what the host calls it. `size`
    in bytes; `key` is the machine's own for it."""

    key: int
    label: str
    size: int
    file: str
    store: Reference | None
    raw: str = ""


def page(scene: Scene) -> Sequence[Block]:
    """One row for each virtual disk."""
    words, machine = scene.words, scene.item()
    found = scene.seat.ask(lambda connection, who: virtual_disks(connection, machine.reference))
    stores = {each.reference: each for each in scene.named({each.store for each in found if each.store is not None})}
    raw = _raw_names(scene, machine) if any(each.raw for each in found) else {}
    names = {each: _names(each, stores, raw) for each in found}
    wanted = {name for some in names.values() for name in some}
    answers = scene.ask(lambda system, storage: find(system, storage, wanted))
    stored = {name: each for volumes in answers.found.values() for name, each in volumes.items()}
    rows = [_row(scene, each, stores, [stored[name] for name in names[each] if name in stored]) for each in found]
    columns = words.columns("disk", "size", "kind", "datastore", "volume", "pool", "profile", "system", "file")
    table = Table(
        "disks",
        words("disks"),
        columns,
        rows[:MOST_ROWS],
        words("disks.none"),
        [each for each in scene.actions(_MACHINE) if each not in scene.actions(_MACHINE, taking="disk")],
        more=len(rows) > MOST_ROWS,
    )
    return [*scene.warnings(answers), table]


def virtual_disks(connection: Connection, machine: Reference) -> list[VirtualDisk]:
    """Those of a machine, in one call."""
    entity = connection.reference(machine.kind, machine.moid)
    found = connection.read(entity, _DEVICES).get(_DEVICES) or []
    return [_disk(each) for each in found if isinstance(each, vim.vm.device.VirtualDisk)]


def _disk(device: vim.vm.device.VirtualDisk) -> VirtualDisk:
    backing = device.backing
    store = getattr(backing, "datastore", None)
    return VirtualDisk(
        int(device.key),
        str(device.deviceInfo.label if device.deviceInfo is not None else device.key),
        int(device.capacityInBytes or int(device.capacityInKB) << 10),
        str(getattr(backing, "fileName", "") or ""),
        None if store is None else reference(store),
        str(getattr(backing, "lunUuid", "") or ""),
    )


def _raw_names(scene: Scene, machine: Item) -> Mapping[str, str]:
    """What the machine's host calls its disks, with their names on the wire; nothing where the reader may not see the
    host."""
    host = machine.get("runtime.host")
    try:
        found = scene.seat.ask(lambda connection, who: devices(connection, [host])) if host is not None else {}
    except IsthmusError:
        return {}
    return {disk.uuid: disk.name for one in found.values() for disk in one.disks}


def _names(disk: VirtualDisk, stores: Mapping[Reference, Item], raw: Mapping[str, str]) -> tuple[str, ...]:
    """On the wire, of the volumes that the disk lies on."""
    if disk.raw:
        return (raw[disk.raw],) if disk.raw in raw else ()
    store = stores.get(disk.store) if disk.store is not None else None
    return disks(store) if store is not None else ()


def _row(scene: Scene, disk: VirtualDisk, stores: Mapping[Reference, Item], stored: Sequence[Stored]) -> Entry:
    store = stores.get(disk.store) if disk.store is not None else None
    # What the reader may not see is not known here; where there is none, that is known.
    none = None if disk.store is not None and store is None else ""
    pools = dict.fromkeys(each.pool.name for each in stored if each.pool is not None)
    cells = {
        "disk": text(disk.label),
        "size": size(disk.size),
        "kind": text(scene.words("disk.raw" if disk.raw else "disk.file")),
        "datastore": scene.cell(store) if store is not None else text(none),
        "volume": text(", ".join(each.volume.name for each in stored) or none),
        "pool": text(", ".join(pools) or none),
        "profile": text(", ".join(dict.fromkeys(each.profile for each in stored)) or none),
        "system": text(", ".join(dict.fromkeys(each.system for each in stored)) or none),
        "file": text(disk.file),
    }
    if not disk.raw:
        return Entry(str(disk.key), cells)
    return Entry(str(disk.key), cells, scene.actions(_MACHINE, taking="disk"), str(scene.target), {"disk": disk.key})
