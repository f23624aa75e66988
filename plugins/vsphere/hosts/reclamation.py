"""How a host gives free blocks of a VMFS back to the array: by itself from now on, or all of them now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import Refused
from ..connection.vmodl import vim, vmodl
from ..reasons import because
from .esx import Esx
from .vmfs import Vmfs
from .waiting import Alive, ended

LEAST_BANDWIDTH = 100
"""What a host says of a smaller bandwidth (MB/s) belongs to a priority."""
FIRST_VERSION = 6
"""Of VMFS: before it nothing is given back by itself."""


@dataclass(frozen=True, slots=True)
class Automatic:
    """What a host does by itself: nothing (`none`), slowly (`low`), or with a bandwidth (MB/s). An empty priority is
    one that the host does not tell."""

    priority: str = ""
    bandwidth: int | None = None

    @classmethod
    def of(cls, volume: Any) -> Automatic:
        """As a host says of its HostVmfsVolume."""
        spec = volume.unmapBandwidthSpec
        fixed = int(spec.fixedValue or 0) if spec is not None and spec.policy == "fixed" else 0
        return cls(str(volume.unmapPriority or ""), fixed if fixed >= LEAST_BANDWIDTH else None)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Automatic:
        return cls(document["priority"], document["bandwidth"])

    def to_json(self) -> dict[str, Any]:
        return {"priority": self.priority, "bandwidth": self.bandwidth}

    def meets(self, wanted: Automatic) -> bool:
        """Whether this is what was wanted; beside a bandwidth the priority does not count."""
        return self.bandwidth == wanted.bandwidth and (bool(wanted.bandwidth) or self.priority == wanted.priority)


def automatic(host: Esx, store: Vmfs) -> Automatic:
    """As the host has it now; raises `Refused` when the host does not have the file system."""
    return Automatic.of(_volume(host, store))


def version(host: Esx, store: Vmfs) -> int:
    """Of the file system."""
    return int(_volume(host, store).majorVersion)


def configure(host: Esx, store: Vmfs, wanted: Automatic) -> None:
    """Let the host do it so; nothing when it does."""
    if automatic(host, store).meets(wanted):
        return
    with host.at():
        if wanted.priority:
            host.storage.UpdateVmfsUnmapPriority(store.uuid, wanted.priority)
        if wanted.bandwidth is not None:
            spec = vim.host.VmfsVolume.UnmapBandwidthSpec(
                policy="fixed", fixedValue=wanted.bandwidth, dynamicMin=0, dynamicMax=0
            )
            host.storage.UpdateVmfsUnmapBandwidth(store.uuid, spec)


def unmap(host: Esx, store: Vmfs, alive: Alive) -> None:
    """All blocks that nothing is in go back to the array, as far as it takes them. It may be done again."""
    with host.at():
        try:
            task = host.storage.UnmapVmfsVolumeEx_Task([store.uuid])
            for each in ended(host.connection, task, alive) or ():
                if each.fault is not None:
                    raise each.fault
        except (vmodl.fault.NotSupported, vmodl.fault.MethodNotFound):
            raise because(Refused, "no-unmap", name=store.name, host=host.name) from None


def _volume(host: Esx, store: Vmfs) -> Any:
    path = "fileSystemVolumeInfo.mountInfo"
    for each in host.connection.read(host.storage, path).get(path) or ():
        if isinstance(each.volume, vim.host.VmfsVolume) and each.volume.uuid == store.uuid:
            return each.volume
    raise because(Refused, "not-mounted", name=store.name, host=host.name)
