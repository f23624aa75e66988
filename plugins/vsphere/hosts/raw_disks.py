"""Raw device mappings: disks of virtual machines that are whole disks of their hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....core.errors import Conflict, InUse, NotFound, Refused
from ..connection.faults import text_of, translated
from ..connection.soap import Connection
from ..connection.vmodl import vim, vmodl
from ..reasons import because
from .reading import read_all
from .waiting import Alive, ended, settle

MODES = {"physical": "physicalMode", "virtual": "virtualMode"}
CHANGE = (
    "VirtualMachine.Config.RawDevice",
    "VirtualMachine.Config.AddNewDisk",
    "VirtualMachine.Config.RemoveDisk",
)
"""The privileges on a machine that adding or removing a raw disk needs, each with its way back."""
SPACE = "Datastore.AllocateSpace"
"""The privilege on the datastore that the mapping file is made on."""
_PATHS = ("name", "runtime.host", "config.template", "config.hardware.device", "config.files.vmPathName", "snapshot")
_CHANGING = "VirtualMachine.reconfigure"
_UNITS, _BUSES = 16, 4


@dataclass(frozen=True, slots=True)
class RawDisk:
    """A disk of a machine. `lun` is what its host calls the disk behind it by, `mode` is `physical` or `virtual`,
    `size` is in bytes, `file` is the mapping file."""

    key: int
    label: str
    controller: int
    unit: int
    lun: str
    mode: str
    size: int
    file: str

    @property
    def home(self) -> str:
        """The name of the datastore that the mapping file lies on."""
        return _store_of(self.file)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RawDisk:
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a disk goes: a controller by its key, and a unit of it. `bus` is that of a controller that is to be made
    first, of the kind `kind`."""

    controller: int
    unit: int
    bus: int | None = None
    kind: Any = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A virtual machine, as far as its disks go. `home` is the name of the datastore that it lies on."""

    connection: Connection
    ref: Any
    name: str
    host: Any
    template: bool
    home: str
    devices: tuple[Any, ...]
    snapshots: tuple[Any, ...]

    @property
    def raw(self) -> list[RawDisk]:
        """Its raw disks, by their labels."""
        found = [_disk(each) for each in self.devices if _is_raw(each)]
        return sorted(found, key=lambda disk: (len(disk.label), disk.label))

    def on(self, luns: Collection[str]) -> RawDisk | None:
        """Its disk on one of these."""
        return next((each for each in self.raw if each.lun in luns), None)

    def controllers(self) -> list[Any]:
        """Its SCSI controllers (pyVmomi's), by bus."""
        found = [each for each in self.devices if isinstance(each, vim.vm.device.VirtualSCSIController)]
        return sorted(found, key=lambda controller: int(controller.busNumber))

    def slot(self) -> Slot:
        """The first free place; raises `Conflict` when there is none, and no room for a controller."""
        controllers = self.controllers()
        for each in controllers:
            taken = {device.unitNumber for device in self.devices if device.controllerKey == each.key}
            taken.add(7 if each.scsiCtlrUnitNumber is None else each.scsiCtlrUnitNumber)
            free = [unit for unit in range(_UNITS) if unit not in taken]
            if free and each.sharedBus == "noSharing":
                return Slot(each.key, free[0])
        buses = {each.busNumber for each in controllers}
        for bus in range(_BUSES):
            if bus not in buses:
                kind = type(controllers[0]) if controllers else vim.vm.device.ParaVirtualSCSIController
                return Slot(-2, 0, bus, kind)
        raise because(Conflict, "no-slot", machine=self.name)

    def held_by_snapshots(self, luns: Collection[str]) -> list[str]:
        """The names of its snapshots that have a disk on one of these."""
        configs = read_all(self.connection, [each.snapshot for each in self.snapshots], "config.hardware.device")
        return [
            str(each.name)
            for each in self.snapshots
            if _on(configs.get(each.snapshot._moId, {}).get("config.hardware.device") or (), luns)
        ]


def demand(connection: Connection, ref: Any) -> Guest:
    """The machine; raises `NotFound` when it is gone."""
    values = read_all(connection, [ref], *_PATHS).get(ref._moId)
    if values is None:
        raise because(NotFound, "machine-gone")
    path = str(values.get("config.files.vmPathName") or "")
    tree = values.get("snapshot")
    return Guest(
        connection,
        ref,
        str(values.get("name", ref._moId)),
        values.get("runtime.host"),
        bool(values.get("config.template")),
        _store_of(path),
        tuple(values.get("config.hardware.device") or ()),
        tuple(_points(tree.rootSnapshotList)) if tree is not None else (),
    )


def settled(connection: Connection, ref: Any, alive: Alive) -> Guest:
    """The machine when no change of it is under way that was begun before."""
    settle(connection, ref, alive, _CHANGING)
    return demand(connection, ref)


def others_on(connection: Connection, hosts: Sequence[Any], but: Any, luns: Collection[str]) -> list[str]:
    """The names of other machines on these hosts that have a disk on one of these."""
    machines = {
        each._moId: each for values in read_all(connection, hosts, "vm").values() for each in values.get("vm") or ()
    }
    machines.pop(but._moId, None)
    found = read_all(connection, list(machines.values()), "name", "config.hardware.device").values()
    return sorted(str(each.get("name")) for each in found if _on(each.get("config.hardware.device") or (), luns))


def add(guest: Guest, lun: Any, wanted: RawDisk | None, mode: str, alive: Alive) -> None:
    """Give a disk of its host (HostScsiDisk) to the machine, in the first free place or as the disk was that is
    `wanted` again."""
    slot = guest.slot() if wanted is None else Slot(wanted.controller, wanted.unit)
    changes = []
    if slot.bus is not None:
        controller = slot.kind(key=slot.controller, busNumber=slot.bus, sharedBus="noSharing")
        changes.append(_change("add", controller))
    size = int(lun.capacity.block) * int(lun.capacity.blockSize)
    backing = vim.vm.device.VirtualDisk.RawDiskMappingVer1BackingInfo(
        fileName="" if wanted is None else wanted.file,
        lunUuid=lun.uuid,
        deviceName=lun.deviceName,
        compatibilityMode=MODES[mode],
        # Snapshots of the machine leave out what passes through to the array anyway.
        diskMode="independent_persistent" if mode == "physical" else "persistent",
    )
    disk = vim.vm.device.VirtualDisk(
        key=-1, controllerKey=slot.controller, unitNumber=slot.unit, capacityInKB=size // 1024, backing=backing
    )
    changes.append(_change("add", disk, "create"))
    _reconfigure(guest, changes, alive)


def remove(guest: Guest, disk: RawDisk, alive: Alive, keep: Collection[int] | None = None) -> None:
    """The disk leaves the machine and its mapping file goes; what is behind stays as it is. Of controllers that are
    left without anything those go that are not to be kept (None: all are)."""
    device = next(each for each in guest.devices if each.key == disk.key)
    changes = [_change("remove", device, "destroy")]
    for each in guest.controllers() if keep is not None else ():
        on_it = [device for device in guest.devices if device.controllerKey == each.key and device.key != disk.key]
        if not on_it and each.key not in (keep or ()):
            changes.append(_change("remove", each))
    _reconfigure(guest, changes, alive)


def _reconfigure(guest: Guest, changes: list[Any], alive: Alive) -> None:
    with translated(guest.connection.endpoint):
        try:
            task = guest.ref.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes))
            ended(guest.connection, task, alive)
        except vmodl.fault.HostCommunication:
            name = str(guest.connection.read(guest.host, "name").get("name", guest.host._moId))
            raise because(Refused, "host-offline", host=name) from None
        except vim.fault.TaskInProgress:
            raise
        except vim.fault.ResourceInUse as fault:
            raise because(InUse, "in-use", said=text_of(fault)) from None
        except (vim.fault.VmConfigFault, vim.fault.InvalidState, vim.fault.FileFault, vim.fault.SnapshotFault) as fault:
            raise because(Refused, "machine-refused", machine=guest.name, said=text_of(fault)) from None


def _change(operation: str, device: Any, file: str | None = None) -> Any:
    return vim.vm.device.VirtualDeviceSpec(operation=operation, fileOperation=file, device=device)


def _is_raw(device: Any) -> bool:
    kind = vim.vm.device.VirtualDisk
    return isinstance(device, kind) and isinstance(device.backing, kind.RawDiskMappingVer1BackingInfo)


def _on(devices: Sequence[Any], luns: Collection[str]) -> bool:
    return any(_is_raw(each) and str(each.backing.lunUuid) in luns for each in devices)


def _disk(device: Any) -> RawDisk:
    backing = device.backing
    return RawDisk(
        int(device.key),
        str(device.deviceInfo.label) if device.deviceInfo is not None else str(device.key),
        int(device.controllerKey),
        int(device.unitNumber),
        str(backing.lunUuid),
        next((name for name, mode in MODES.items() if mode == backing.compatibilityMode), "virtual"),
        int(device.capacityInBytes or device.capacityInKB * 1024),
        str(backing.fileName),
    )


def _store_of(path: str) -> str:
    """`store` of `[store] folder/file`."""
    return path.partition("]")[0].removeprefix("[")


def _points(tree: Sequence[Any]) -> Iterator[Any]:
    for each in tree:
        yield each
        yield from _points(each.childSnapshotList or ())
