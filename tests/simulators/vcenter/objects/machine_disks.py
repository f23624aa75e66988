"""The disks of a virtual machine: files on datastores, and raw devices; adding, enlarging and removing them."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import copy
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..registry import invalid_argument, named_fault, vim
from ..storage.files import DESCRIPTION, DISK, MAPPING, File, parsed
from ..storage.lookup import storage_of
from ..wire.call import Call
from . import machine_description
from .entity import Entity

if TYPE_CHECKING:
    from .datastore import Datastore
    from .host_system import HostSystem
    from .virtual_machine import VirtualMachine

_CONTROLLER, _FIRST_DISK, _CONTROLLERS_UNIT, _BUSES = 1000, 2000, 7, 4
_Disk: Any = vim.vm.device.VirtualDisk
_RAW: Any = _Disk.RawDiskMappingVer1BackingInfo
_Controller: Any = vim.vm.device.VirtualSCSIController
_PRIVILEGES = {"create": "AddNewDisk", "existing": "AddExistingDisk", "edit": "DiskExtend", "remove": "RemoveDisk"}


class MachineDisks(Entity):
    """What VirtualMachine builds on. Files are written through a host, so never under the model's lock."""

    @property
    def _machine(self) -> VirtualMachine:
        return self  # type: ignore[return-value]

    @property
    def host(self) -> HostSystem:
        """Where it runs."""
        return self.vc.host(self.get("runtime.host"))

    @property
    def folder(self) -> tuple[Datastore, str]:
        """The datastore and the folder that its description is in."""
        return self._machine.home, self._description.rpartition("/")[0]

    @property
    def _description(self) -> str:
        return parsed(str(self.get("config.files.vmPathName")))[1]

    def disks(self) -> list[Any]:
        """Its VirtualDisks."""
        return [each for each in self.get("config.hardware.device") if isinstance(each, _Disk)]

    def located(self, path: str) -> tuple[Datastore, str]:
        """The datastore that a path names, and the file within it. InvalidDatastorePath when the machine's host has
        none of that name."""
        name, file = parsed(path)
        for ref in self.host.get("datastore") or []:
            store = self.vc.datastore(ref)
            if store.name == name:
                return store, file
        raise named_fault(vim.fault.InvalidDatastorePath(datastorePath=path), f"Invalid datastore path '{path}'.")

    def place_of(self, backing: Any) -> tuple[Datastore, str]:
        """The datastore a disk is on, and its file there."""
        return self.vc.datastore(backing.datastore), parsed(backing.fileName)[1]

    def follow(self, store: Datastore) -> None:
        """A datastore has another name: so have the files on it."""
        with self.vc.model.change():
            devices = [
                _moved(each, store) if isinstance(each, _Disk) else each for each in self.get("config.hardware.device")
            ]
            self.set("config.hardware.device", devices)
            if store is self._machine.home:
                path = f"[{store.name}] {self._description}"
                self.set("config.files.vmPathName", path)
                self.set("summary.config.vmPathName", path)

    def written(self) -> set[Datastore]:
        """Put what it has into the files of its datastores; which those are. Whoever calls saves them."""
        touched = set()
        for disk in self.disks():
            store, path = self.place_of(disk.backing)
            if path not in store.files.all:
                thin = bool(getattr(disk.backing, "thinProvisioned", True))
                size = int(disk.capacityInBytes)
                store.files.put(path, File(DISK, size, 0 if thin else size))
            touched.add(store)
        store = self._machine.home
        store.files.put(self._description, File(DESCRIPTION, content=machine_description.text(self._machine)))
        return touched | {store}

    def erase(self) -> None:
        """Its files are gone, raw devices are left as they are."""
        store, folder = self.folder
        touched = {store}
        for disk in self.disks():
            at, path = self.place_of(disk.backing)
            at.files.drop(path)
            touched.add(at)
        store.files.drop_folder(folder)
        for each in touched:
            each.save()

    def guest_writes(self, text: str, number: int = 0) -> None:
        """For tests: the guest writes a text to a disk. It is kept with the disk's file, so it is on the datastore's
        volume when this returns."""
        store, path = self.place_of(self.disks()[number].backing)
        store.files.put(path, replace(store.files.all[path], content=text))
        store.save()

    def guest_reads(self, number: int = 0) -> str:
        """What was last written to a disk, through all its layers; empty when nothing was."""
        backing = self.disks()[number].backing
        while backing is not None:
            store, path = self.place_of(backing)
            if store.files.all[path].content:
                return store.files.all[path].content
            backing = backing.parent
        return ""

    def demand_files(self) -> None:
        """InaccessibleDatastore, FileNotFound: what keeps it from being powered on."""
        for disk in self.disks():
            store, path = self.place_of(disk.backing)
            if store.PLAYED:
                continue
            demand_accessible(store, self.host)
            if path not in store.files.all:
                raise named_fault(
                    vim.fault.FileNotFound(file=disk.backing.fileName), f"File {disk.backing.fileName} was not found"
                )
            if isinstance(disk.backing, _RAW) and not self._raw(disk.backing).usable:
                raise named_fault(
                    vim.fault.InvalidDeviceBacking(property="backing"),
                    f"The raw device behind {disk.deviceInfo.label} cannot be reached",
                )

    def ReconfigVM_Task(self, call: Call, spec: Any) -> Any:
        for change in spec.deviceChange or []:
            self.vc.rights.demand(call.session, self, f"VirtualMachine.Config.{_privilege(change)}")
        if not spec.deviceChange:
            self.vc.rights.demand(call.session, self, "VirtualMachine.Config.Settings")
        return self.vc.tasks.start(call, self, "VirtualMachine.reconfigure", lambda task: self.reconfigure(spec)).ref

    def reconfigure(self, spec: Any) -> None:
        """Change disks, annotation and name: all, or nothing with the fault of the first that cannot be."""
        self.host.demand_connected()
        devices = list(self.get("config.hardware.device"))
        stores = [self.vc.datastore(ref) for ref in self.host.get("datastore") or []]
        before = {store: store.files.all for store in stores}
        old = self.get("config.hardware.device")
        made: dict[int, int] = {}
        try:
            for index, change in enumerate(spec.deviceChange or []):
                devices = self._changed(devices, change, index, made)
            self.take_devices(devices)
            if spec.annotation is not None:
                self.set("config.annotation", spec.annotation)
            for store in self.written() | {store for store in stores if store.files.all is not before[store]}:
                store.save()
        except Exception:
            for store in stores:
                store.files.all = before[store]
            self.take_devices(list(old))
            raise
        if spec.name:
            self.rename(spec.name)

    def take_devices(self, devices: list[Any]) -> None:
        """Another list of devices; the datastores it has files on follow."""
        with self.vc.model.change():
            self.set("config.hardware.device", devices)
            disks = self.disks()
            self.set("summary.config.numVirtualDisks", len(disks))
            stores = {store.moid: store for store in (self.place_of(each.backing)[0] for each in disks)}
            home = self.folder[0]
            stores[home.moid] = home
            for ref in self.get("datastore") or []:
                if ref._moId not in stores:
                    self.vc.datastore(ref).discard("vm", self.ref)
            for store in stores.values():
                if self.ref._moId not in [each._moId for each in store.get("vm") or []]:
                    store.extend("vm", self.ref)
            self.set("datastore", [store.ref for store in stores.values()])
            self.set("config.modified", self.vc.clock.now())

    def _changed(self, devices: list[Any], change: Any, index: int, made: dict[int, int]) -> list[Any]:
        """`made`: the keys of controllers that this change added, by the keys that it called them."""
        operation, device = str(change.operation), change.device
        if isinstance(device, _Controller):
            return _with_controller(devices, change, index, made)
        if not isinstance(device, _Disk):
            raise _bad_device(index, "device", "Only disks and SCSI controllers can be changed here")
        if operation == "add":
            return [*devices, self._added(devices, change, index, made)]
        known = next((each for each in devices if each.key == device.key), None)
        if known is None:
            raise named_fault(vim.fault.DeviceNotFound(deviceIndex=index), f"There is no device {device.key}")
        store, path = self.place_of(known.backing)
        demand_accessible(store, self.host)
        if operation == "remove":
            if str(change.fileOperation) == "destroy" or isinstance(known.backing, _RAW):
                store.files.drop(path)
            return [each for each in devices if each is not known]
        size = _size(device)
        if size < known.capacityInBytes or isinstance(known.backing, _RAW):
            raise _bad_device(index, "device.capacityInKB", "A disk can only grow, and a raw device on its array only")
        if known.backing.parent is not None:
            raise _bad_device(index, "device.capacityInKB", "A disk with a snapshot cannot grow")
        grown = copy.copy(known)
        grown.capacityInBytes, grown.capacityInKB = size, size // 1024
        _demand_room(store, 0 if known.backing.thinProvisioned else size - known.capacityInBytes, path)
        store.files.resize(path, size)
        return [grown if each is known else each for each in devices]

    def _added(self, devices: list[Any], change: Any, index: int, made: dict[int, int]) -> Any:
        device = copy.copy(change.device)
        backing = device.backing = copy.copy(device.backing)
        keys = {each.key for each in devices}
        wanted = made.get(device.controllerKey, device.controllerKey)
        device.controllerKey = wanted if wanted in _controllers(devices) else _CONTROLLER
        units = {each.unitNumber for each in devices if each.controllerKey == device.controllerKey}
        units.add(_CONTROLLERS_UNIT)
        device.key = next(key for key in range(_FIRST_DISK, _FIRST_DISK + 256) if key not in keys)
        if device.unitNumber is None or device.unitNumber in units:
            device.unitNumber = next(unit for unit in range(64) if unit not in units)
        store, path = self._place(backing, device.unitNumber)
        demand_accessible(store, self.host)
        backing.fileName, backing.datastore = f"[{store.name}] {path}", store.ref
        backing.diskMode = backing.diskMode or "persistent"
        backing.uuid = backing.uuid or str(uuid.uuid4())
        creates = str(change.fileOperation) == "create"
        if creates == (path in store.files.all):
            fault = vim.fault.FileAlreadyExists if creates else vim.fault.FileNotFound
            words = "exists already" if creates else "was not found"
            raise named_fault(fault(file=backing.fileName), f"File {backing.fileName} {words}")
        if isinstance(backing, _RAW):
            size = self._map(backing, store, path, index)
        elif creates:
            size = _size(device)
            thick = not backing.thinProvisioned
            _demand_room(store, size if thick else 0, path)
            store.files.put(path, File(DISK, size, size if thick else 0))
        else:
            size = store.files.all[path].size
        device.capacityInBytes, device.capacityInKB = size, size // 1024
        label = f"Hard disk {sum(isinstance(each, _Disk) for each in devices) + 1}"
        device.deviceInfo = vim.Description(label=label, summary=f"{size // 1024:,} KB")
        return device

    def _place(self, backing: Any, unit: int) -> tuple[Datastore, str]:
        home, folder = self.folder
        name = str(backing.fileName or "")
        if name and parsed(name)[1]:
            return self.located(name)
        store = self.vc.datastore(backing.datastore) if backing.datastore is not None else home
        if name:
            store, _ = self.located(name)
        stem, number = f"{folder}/{folder}", unit
        while (path := f"{stem}_{number}.vmdk") in store.files.all:
            number += 1
        return store, path

    def _raw(self, backing: Any) -> Any:
        """The disk of the host that a backing names. InvalidDeviceBacking when there is none."""
        disks = storage_of(self.host).disks.values()
        for each in disks:
            if (
                each.uuid == backing.lunUuid
                or each.device_path == backing.deviceName
                or (backing.deviceName and backing.deviceName.endswith(each.name))
            ):
                return each
        raise named_fault(
            vim.fault.InvalidDeviceBacking(property="backing.deviceName"),
            f"The host {self.host.name} has no disk {backing.deviceName or backing.lunUuid}",
        )

    def _map(self, backing: Any, store: Datastore, path: str, index: int) -> int:
        """A raw device from now on; its size in bytes."""
        disk = self._raw(backing)
        if not disk.usable:
            raise _bad_device(index, "backing.deviceName", f"The disk {disk.name} cannot be reached")
        if storage_of(self.host).volumes.on(disk.name):
            raise named_fault(vim.fault.ResourceInUse(name=disk.name), f"{disk.name} holds a datastore")
        for ref in self.host.get("vm") or []:
            machine = self.vc.machine(ref)
            if any(getattr(each.backing, "lunUuid", None) == disk.uuid for each in machine.disks()):
                raise named_fault(vim.fault.ResourceInUse(name=disk.name), f"{disk.name} is in use by {machine.name}")
        if backing.compatibilityMode not in ("physicalMode", "virtualMode"):
            raise invalid_argument("compatibilityMode", "A raw device is physicalMode or virtualMode")
        backing.lunUuid, backing.deviceName = disk.uuid, disk.device_path
        store.files.put(path, File(MAPPING, disk.size))
        return int(disk.size)


def demand_accessible(store: Datastore, host: HostSystem) -> None:
    """InaccessibleDatastore when the host cannot use it now."""
    mount = store.mount_of(host)
    if mount is None or not mount.accessible or not mount.mounted:
        raise named_fault(
            vim.fault.InaccessibleDatastore(datastore=store.ref, name=store.name),
            f"Unable to access the datastore {store.name} from {host.name}.",
        )


def _moved(device: Any, store: Datastore) -> Any:
    """A disk whose files on a datastore are named after it."""

    def renamed(backing: Any) -> Any:
        if backing is None:
            return None
        changed = copy.copy(backing)
        changed.parent = renamed(backing.parent)
        if backing.datastore._moId == store.moid:
            changed.fileName = f"[{store.name}] {parsed(backing.fileName)[1]}"
        return changed

    changed = copy.copy(device)
    changed.backing = renamed(device.backing)
    return changed


def _demand_room(store: Datastore, size: int, path: str) -> None:
    if size > store.get("summary.freeSpace"):
        raise named_fault(
            vim.fault.NoDiskSpace(file=f"[{store.name}] {path}", datastore=store.name),
            f"Insufficient disk space on datastore '{store.name}'.",
        )


def _controllers(devices: list[Any]) -> set[int]:
    """The keys of the SCSI controllers."""
    return {each.key for each in devices if isinstance(each, _Controller)}


def _with_controller(devices: list[Any], change: Any, index: int, made: dict[int, int]) -> list[Any]:
    """The devices with one SCSI controller more, or without one that has no disk."""
    device = change.device
    if str(change.operation) == "remove":
        if device.key not in _controllers(devices):
            raise named_fault(vim.fault.DeviceNotFound(deviceIndex=index), f"There is no controller {device.key}")
        if any(each.controllerKey == device.key for each in devices):
            raise _bad_device(index, "device.key", "The controller has disks")
        return [each for each in devices if each.key != device.key]
    buses = {each.busNumber for each in devices if isinstance(each, _Controller)}
    if str(change.operation) != "add" or device.busNumber in buses or not 0 <= device.busNumber < _BUSES:
        raise _bad_device(index, "device.busNumber", f"There is no room for a controller on bus {device.busNumber}")
    added = copy.copy(device)
    added.key = _CONTROLLER + device.busNumber
    added.scsiCtlrUnitNumber = _CONTROLLERS_UNIT
    label = f"SCSI controller {device.busNumber}"
    added.deviceInfo = vim.Description(label=label, summary="VMware paravirtual SCSI")
    made[device.key] = added.key
    return [*devices, added]


def _size(device: Any) -> int:
    size = device.capacityInBytes or (device.capacityInKB or 0) * 1024
    if size <= 0:
        raise invalid_argument("capacityInKB", "A disk has a size")
    return int(size)


def _privilege(change: Any) -> str:
    if isinstance(change.device, _Controller):
        return "AddRemoveDevice"
    if isinstance(getattr(change.device, "backing", None), _RAW) and str(change.operation) == "add":
        return "RawDevice"
    operation = str(change.operation)
    if operation == "add":
        operation = "create" if str(change.fileOperation) == "create" else "existing"
    return _PRIVILEGES.get(operation, "Settings")


def _bad_device(index: int, field: str, words: str) -> Any:
    return named_fault(vim.fault.InvalidDeviceSpec(property=field, deviceIndex=index), words)
