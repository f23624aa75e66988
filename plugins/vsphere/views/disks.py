"""Which disks a datastore lies on, by the names that they have on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..inventory.item import Item


def disks(store: Item) -> tuple[str, ...]:
    """Of a VMFS datastore; none of any other."""
    volume = (store.get("info") or {}).get("vmfs") or {}
    return tuple(str(each["diskName"]) for each in volume.get("extent", ()))


def uuid(store: Item) -> str:
    """That of the file system, by which hosts measure it; empty where it has none."""
    info = store.get("info") or {}
    return str((info.get("vmfs") or {}).get("uuid", ""))


def by_disk(stores: Iterable[Item]) -> Mapping[str, Item]:
    """The datastores by the disks that they lie on."""
    return {disk: store for store in stores for disk in disks(store)}
