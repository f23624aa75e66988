"""A change of a volume or a snapshot as plain data: made at once, or kept until it is time for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import NotFound
from ....core.model.operation import Operation
from ....core.model.request import Changes, SnapshotRequest, VolumeRequest


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` is what the core calls the operation, or `volume.update` and `snapshot.update` for what needs none.

    `arguments` are plain JSON without secrets. `resource` is the volume or snapshot that it is about; None for a new
    volume of nothing.
    """

    kind: str
    arguments: Mapping[str, Any]
    resource: str | None = None

    def begin(self, storage: Storage, *, key: str | None = None, dry_run: bool = False) -> Operation | None:
        """Ask for the operation; None where there is none. Idempotent under `key`. Raises what the core raises."""
        make = _MAKERS.get(self.kind)
        return None if make is None else make(storage, self.arguments, {"key": key, "dry_run": dry_run})

    def finish(self, storage: Storage) -> None:
        """Do what needs no operation, once that has been accepted. Idempotent. Raises what the core raises."""
        name, resource = self.arguments.get("new_name"), self.resource
        if name is not None and resource is not None:
            version = None if self.kind in _MAKERS else self.arguments.get("if_version")
            self._nouns(storage).update(resource, Changes(name=name), if_version=version)

    def is_there(self, storage: Storage) -> bool:
        """Whether what needs no operation is as it is wanted already."""
        if self.kind in _MAKERS:
            return False
        try:
            return bool(self._nouns(storage).get(str(self.resource)).name == self.arguments["new_name"])
        except NotFound:
            return False

    def _nouns(self, storage: Storage) -> Any:
        return storage.snapshots if self.kind.startswith("snapshot.") else storage.volumes

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "arguments": dict(self.arguments), "resource": self.resource}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Change:
        return cls(str(document["kind"]), document["arguments"], document["resource"])


_Make = Callable[[Storage, Mapping[str, Any], dict[str, Any]], Operation]


def _create(storage: Storage, given: Mapping[str, Any], how: dict[str, Any]) -> Operation:
    return storage.volumes.create(VolumeRequest(**given), **how)


def _extend(storage: Storage, given: Mapping[str, Any], how: dict[str, Any]) -> Operation:
    return storage.volumes.extend(given["volume"], given["size"], if_version=given["if_version"], **how)


def _delete(storage: Storage, given: Mapping[str, Any], how: dict[str, Any]) -> Operation:
    return storage.volumes.delete(given["volume"], if_version=given["if_version"], **how)


def _create_snapshot(storage: Storage, given: Mapping[str, Any], how: dict[str, Any]) -> Operation:
    return storage.snapshots.create(SnapshotRequest(**given), **how)


def _delete_snapshot(storage: Storage, given: Mapping[str, Any], how: dict[str, Any]) -> Operation:
    return storage.snapshots.delete(given["snapshot"], if_version=given["if_version"], **how)


_MAKERS: Mapping[str, _Make] = {
    "volume.create": _create,
    "volume.extend": _extend,
    "volume.delete": _delete,
    "snapshot.create": _create_snapshot,
    "snapshot.delete": _delete_snapshot,
}

KINDS = (*_MAKERS, "volume.update", "snapshot.update")
"""Every kind of change there is."""


def create_volume(wanted: VolumeRequest) -> Change:
    """A new volume, or a copy of one or of a snapshot."""
    given = {"name": wanted.name, "size": wanted.size, "profile": wanted.profile}
    source = wanted.source_volume or wanted.source_snapshot
    if source is not None:
        given |= {"source_volume": wanted.source_volume, "source_snapshot": wanted.source_snapshot}
    return Change("volume.create", given, source)


def create_snapshot(wanted: SnapshotRequest) -> Change:
    return Change("snapshot.create", {"volume": wanted.volume, "name": wanted.name}, wanted.volume)


def change_volume(volume: str, *, size: int | None, name: str | None, if_version: int | None) -> Change:
    """A larger size, a new name, or both under one version."""
    if size is None:
        return Change("volume.update", {"new_name": name, "if_version": if_version}, volume)
    given = {"volume": volume, "size": size, "new_name": name, "if_version": if_version}
    return Change("volume.extend", given, volume)


def change_snapshot(snapshot: str, *, name: str | None, if_version: int | None) -> Change:
    return Change("snapshot.update", {"new_name": name, "if_version": if_version}, snapshot)


def delete_volume(volume: str, if_version: int | None = None) -> Change:
    return Change("volume.delete", {"volume": volume, "if_version": if_version}, volume)


def delete_snapshot(snapshot: str, if_version: int | None = None) -> Change:
    return Change("snapshot.delete", {"snapshot": snapshot, "if_version": if_version}, snapshot)
