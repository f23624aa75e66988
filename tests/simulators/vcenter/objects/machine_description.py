"""The description of a machine, kept in its `.vmx` file: with it, a copy of the datastore has the machine too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..registry import named_fault, vim
from ..storage.files import parsed

if TYPE_CHECKING:
    from .virtual_machine import VirtualMachine

_Disk: Any = vim.vm.device.VirtualDisk
_RAW: Any = _Disk.RawDiskMappingVer1BackingInfo
_FLAT: Any = _Disk.FlatVer2BackingInfo


def text(machine: VirtualMachine) -> str:
    """What the file holds. Paths on the machine's own datastore are without its name, which a copy does not have."""
    home = machine.folder[0].name
    return json.dumps(
        {
            "name": machine.name,
            "uuid": machine.get("config.uuid"),
            "guest": machine.get("config.guestId"),
            "disks": [_disk(each, home) for each in machine.disks()],
            "snapshots": [
                {**each.document(), "disks": [_disk(disk, home) for disk in each.disks]} for each in machine.snapshots
            ],
            "current": machine.current.number if machine.current is not None else None,
        }
    )


def read(content: str, path: str) -> dict[str, Any]:
    """The description. InvalidVmConfig for what is none."""
    try:
        document = json.loads(content)
        if not isinstance(document, dict) or "disks" not in document:
            raise ValueError("no description")
    except ValueError:
        raise named_fault(vim.fault.InvalidVmConfig(), f"{path} describes no machine") from None
    return document


def _disk(disk: Any, home: str) -> dict[str, Any]:
    backing = disk.backing
    raw = isinstance(backing, _RAW)
    return {
        "key": disk.key,
        "unit": disk.unitNumber,
        "size": disk.capacityInBytes,
        "label": disk.deviceInfo.label,
        "files": [_relative(each, home) for each in _chain(backing)],
        "thin": not raw and bool(backing.thinProvisioned),
        "uuid": backing.uuid,
        "mode": backing.diskMode,
        "raw": [backing.lunUuid, backing.deviceName, backing.compatibilityMode] if raw else None,
    }


def _chain(backing: Any) -> list[str]:
    """The file of a backing, then those it is built on."""
    found = []
    while backing is not None:
        found.append(str(backing.fileName))
        backing = backing.parent
    return found


def _relative(path: str, home: str) -> str:
    store, file = parsed(path)
    return file if store == home else path


def disk(document: dict[str, Any], home: Any, controller: int) -> Any:
    """A VirtualDisk from its description; paths without a datastore are on `home`."""
    backing = None
    for name in reversed(document["files"]):
        path = name if name.startswith("[") else f"[{home.name}] {name}"
        common = {
            "fileName": path, "datastore": home.ref, "diskMode": document["mode"], "uuid": document["uuid"],
            "parent": backing,
        }  # fmt: skip
        if document["raw"]:
            unit, device, mode = document["raw"]
            backing = _RAW(lunUuid=unit, deviceName=device, compatibilityMode=mode, **common)
        else:
            backing = _FLAT(thinProvisioned=document["thin"], **common)
    return _Disk(
        key=document["key"],
        controllerKey=controller,
        unitNumber=document["unit"],
        capacityInKB=document["size"] // 1024,
        capacityInBytes=document["size"],
        deviceInfo=vim.Description(label=document["label"], summary=f"{document['size'] // 1024:,} KB"),
        backing=backing,
    )
