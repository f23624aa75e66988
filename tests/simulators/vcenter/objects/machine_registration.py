"""Machines that come into the inventory: new ones, and those whose files lie on a datastore already."""

from __future__ import annotations

from typing import Any

from ..registry import named_fault, vim
from ..storage.files import parsed
from . import machine_description
from .datastore import Datastore
from .folder import Folder
from .host_system import HostSystem
from .machine_disks import demand_accessible
from .machine_snapshots import Snapshot
from .virtual_machine import CONTROLLER, VirtualMachine


def register(folder: Folder, host: HostSystem, path: str, name: str | None) -> VirtualMachine:
    """A machine from its description on a datastore. FileNotFound, AlreadyExists, DuplicateName, InvalidVmConfig."""
    host.demand_connected()
    store, file = _store(host, path), parsed(path)[1]
    found = store.files.all.get(file)
    if found is None:
        raise named_fault(vim.fault.FileNotFound(file=path), f"File {path} was not found")
    for each in folder.vc.model.every(VirtualMachine):
        at = str(each.get("config.files.vmPathName"))
        if parsed(at) == (store.name, file) and each.get("datastore")[0]._moId == store.moid:
            raise named_fault(vim.fault.AlreadyExists(name=each.name), f"The machine {each.name} is registered already")
    document = machine_description.read(found.content, path)
    folder.demand_free(name or document["name"])
    machine = VirtualMachine(folder.vc, name or document["name"], host, store, ())
    _place(machine, folder, f"[{store.name}] {file}")
    disks = [machine_description.disk(each, store, CONTROLLER) for each in document["disks"]]
    with folder.vc.model.change():
        machine.set("config.uuid", document["uuid"])
        machine.set("summary.config.uuid", document["uuid"])
        machine.take_devices([*machine.get("config.hardware.device"), *disks])
    _restore(machine, document, store)
    machine.show_snapshots()
    return machine


def _restore(machine: VirtualMachine, document: dict[str, Any], store: Datastore) -> None:
    by_number: dict[int, Snapshot] = {}
    for each in document["snapshots"]:
        made = Snapshot(machine, each["id"], each["name"], each["quiesced"], by_number.get(each["parent"]))
        made.description = each["description"]
        made.disks = [machine_description.disk(disk, store, CONTROLLER) for disk in each["disks"]]
        by_number[made.number] = made
    machine.snapshots = list(by_number.values())
    machine.current = by_number.get(document["current"])


def create(folder: Folder, host: HostSystem, config: Any) -> VirtualMachine:
    """A new machine in a folder of its own on the datastore that `config.files` names. DuplicateName."""
    host.demand_connected()
    if not config.name or config.files is None or not config.files.vmPathName:
        raise named_fault(vim.fault.InvalidVmConfig(property="files"), "A machine has a name and a place")
    folder.demand_free(config.name)
    store = _store(host, config.files.vmPathName)
    demand_accessible(store, host)
    machine = VirtualMachine(folder.vc, config.name, host, store, ())
    _place(machine, folder, f"[{store.name}] {config.name}/{config.name}.vmx")
    try:
        machine.reconfigure(vim.vm.ConfigSpec(deviceChange=[
            each for each in config.deviceChange or [] if isinstance(each.device, vim.vm.device.VirtualDisk)
        ]))  # fmt: skip
    except Exception:
        machine.destroy()
        raise
    return machine


def _store(host: HostSystem, path: str) -> Datastore:
    name = parsed(path)[0]
    for ref in host.get("datastore") or []:
        if host.vc.datastore(ref).name == name:
            return host.vc.datastore(ref)
    raise named_fault(vim.fault.InvalidDatastorePath(datastorePath=path), f"Invalid datastore path '{path}'.")


def _place(machine: VirtualMachine, folder: Folder, path: str) -> None:
    with folder.vc.model.change():
        machine.set("config.files.vmPathName", path)
        machine.set("summary.config.vmPathName", path)
        if machine.get("parent")._moId != folder.moid:
            above = machine.parent
            assert above is not None
            above.discard("childEntity", machine.ref)
            machine.set("parent", folder.ref)
            folder.adopt(machine)
