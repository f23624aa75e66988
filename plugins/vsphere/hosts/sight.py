"""What of storage a host sees: its disks and the datastores that it reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..connection.vmodl import vim
from .esx import Esx
from .reading import read_all


@dataclass(frozen=True, slots=True)
class Sight:
    """Canonical names of disks that work, and names of datastores that are mounted and accessible; both sorted."""

    disks: tuple[str, ...]
    datastores: tuple[str, ...]

    @classmethod
    def of(cls, host: Esx) -> Sight:
        """As it is now."""
        luns = host.connection.read(host.storage, "storageDeviceInfo.scsiLun").get("storageDeviceInfo.scsiLun") or []
        disks = {str(each.canonicalName) for each in luns if _works(each)}
        refs = host.connection.read(host.ref, "datastore").get("datastore") or []
        stores = read_all(host.connection, refs, "name", "host").values()
        reached = {str(values.get("name", "")) for values in stores if _reaches(host, values.get("host") or ())}
        return cls(tuple(sorted(disks)), tuple(sorted(reached)))

    @classmethod
    def from_json(cls, document: Mapping[str, Sequence[str]]) -> Sight:
        return cls(tuple(document["disks"]), tuple(document["datastores"]))

    def to_json(self) -> dict[str, list[str]]:
        return {"disks": list(self.disks), "datastores": list(self.datastores)}

    def since(self, before: Sight) -> dict[str, dict[str, list[str]]]:
        """What came and what went, by kind."""
        kinds = (("disks", self.disks, before.disks), ("datastores", self.datastores, before.datastores))
        return {
            kind: {
                "came": [each for each in now if each not in then],
                "went": [each for each in then if each not in now],
            }
            for kind, now, then in kinds
        }


def _works(lun: Any) -> bool:
    return isinstance(lun, vim.host.ScsiDisk) and "ok" in lun.operationalState


def _reaches(host: Esx, mounts: Sequence[Any]) -> bool:
    return any(each.key._moId == host.moid and each.mountInfo.mounted and each.mountInfo.accessible for each in mounts)
