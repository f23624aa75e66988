"""Snapshots: Volumes whose ReplicaInfo says that they are (schema StorageReplicaInfo)."""

from __future__ import annotations

from collections.abc import Mapping

from ....adapters.contract.base import page_of
from ....core.errors import NotOffered
from ....core.model.operation import Operation
from ....core.model.page import Page, Query
from ....core.model.request import Changes, SnapshotRequest
from ....core.model.snapshot import Snapshot, SnapshotState
from ....core.model.volume import VolumeState
from .bodies import BEGINNING, Body, moment, text
from .bound import Bound, absent, no_plan
from .client import Answer
from .names import checked_name
from .paths import id_of, parent, uri_of
from .replicas import SNAPSHOT, copied, is_snapshot, providing_pools, source_of
from .versions import version_of
from .volumes import name_of, renamed, size_of, state_of

_STATES: Mapping[VolumeState, SnapshotState] = {
    VolumeState.CREATING: SnapshotState.CREATING,
    VolumeState.DELETING: SnapshotState.DELETING,
    VolumeState.ERROR: SnapshotState.ERROR,
}
_NAMES: Mapping[str, str] = {"/Name": "name", "/DisplayName": "name", "/VolumeName": "name"}


class SwordfishSnapshots(Bound):
    """Snapshots of the context's tenant."""

    def list(self, query: Query | None = None) -> Page[Snapshot]:
        found = [self._snapshot(path, body) for path, body in self.every(self.share.volumes) if is_snapshot(body)]
        return page_of(Snapshot, found, query, ("created_at", "name", "size", "state"))

    def get(self, snapshot: str) -> Snapshot:
        path, answer = self._found(snapshot)
        return self._snapshot(path, answer.body)

    def create(self, wanted: SnapshotRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        no_plan(dry_run)
        checked_name(wanted.name)
        if wanted.description or wanted.metadata:
            raise NotOffered("This system keeps no description and no metadata of snapshots.")

        def ask() -> Answer:
            path, answer = self.found(wanted.volume, "Volume", self.share.volumes)
            if is_snapshot(answer.body):
                raise absent("Volume", wanted.volume)
            target, parameters = copied(self.client, answer.body, SNAPSHOT, wanted.name)
            made = self.client.change(
                "POST", target, parameters, key=key, names=_NAMES, request_id=self.context.request_id
            )
            return self.located(made, parent(path), wanted.name)

        return self.begun(self.change("snapshot.create", None, key, wanted), ask)

    def update(self, snapshot: str, changes: Changes, *, if_version: int | None = None) -> Snapshot:
        if changes.description is not None or changes.metadata is not None:
            raise NotOffered("This system keeps no description and no metadata of snapshots.")
        path, answer = self._found(snapshot)
        if changes.name is not None:
            self.patch(path, answer, renamed(answer.body, changes.name), if_version, _NAMES)
        return self.get(snapshot)

    def delete(
        self, snapshot: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        no_plan(dry_run)
        path = uri_of(snapshot)

        def ask() -> Answer:
            _, answer = self._found(snapshot)
            return self.conditional("DELETE", path, answer, None, if_version, key=key)

        return self.begun(self.change("snapshot.delete", id_of(path), key, if_version), ask)

    def _found(self, snapshot: str) -> tuple[str, Answer]:
        path, answer = self.found(snapshot, "Volume", self.share.volumes)
        if not is_snapshot(answer.body):
            raise absent("snapshot", snapshot)
        return path, answer

    def _snapshot(self, path: str, body: Body) -> Snapshot:
        source, pools = source_of(body), providing_pools(body)
        established = moment(body, "ReplicaInfo", "WhenEstablished") or BEGINNING
        return Snapshot(
            id=id_of(path),
            tenant=self.context.tenant or "",
            volume="" if source is None else id_of(source),
            name=name_of(body),
            size=size_of(body),
            state=_STATES.get(state_of(body), SnapshotState.AVAILABLE),
            created_at=established,
            updated_at=established,
            version=version_of(body),
            description=text(body, "Description"),
            pool=id_of(pools[0]) if pools else None,
        )
