"""Volumes (schema Volume), all but those that are snapshots."""

from __future__ import annotations

from collections.abc import Mapping

from ....adapters.contract.base import page_of
from ....core.errors import InUse, Invalid, NotFound, NotOffered
from ....core.model.operation import Operation
from ....core.model.page import Page, Query
from ....core.model.request import Changes, VolumeRequest
from ....core.model.volume import Volume, VolumeState
from .bodies import BEGINNING, Body, link, links, mappings, moment, number, text
from .bound import Bound, absent, no_plan
from .client import Answer
from .fabrics import fabric_of
from .names import checked_name
from .paths import id_of, parent, uri_of
from .profiles import SwordfishProfiles
from .replicas import CLONE, copied, is_snapshot, providing_pools, source_of
from .versions import version_of

_LARGEST = 1 << 60
_NAMES: Mapping[str, str] = {
    "/Name": "name",
    "/DisplayName": "name",
    "/CapacityBytes": "size",
    "/Capacity": "size",
    "/Capacity/Data/AllocatedBytes": "size",
    "/Links/ClassOfService": "profile",
    "/Links/ClassOfService/@odata.id": "profile",
}
_SORTS = ("created_at", "name", "size", "state")

_CHANGING: Mapping[str, VolumeState] = {
    "Resize": VolumeState.EXTENDING,
    "Delete": VolumeState.DELETING,
    "Initialize": VolumeState.CREATING,
    "ChangeRAIDType": VolumeState.RETYPING,
}
_STATES: Mapping[str, VolumeState] = {
    "Starting": VolumeState.CREATING,
    "Updating": VolumeState.EXTENDING,
    "Quiesced": VolumeState.ERROR,
    "UnavailableOffline": VolumeState.ERROR,
    "Absent": VolumeState.ERROR,
    "Disabled": VolumeState.ERROR,
}
_ON_THE_WIRE: Mapping[str, str] = {"NAA": "naa.", "EUI": "eui.", "NGUID": "eui."}


def size_of(body: Body) -> int:
    """The size of a volume in bytes; 0 where it is not said."""
    for place in (
        ("CapacityBytes",),
        ("Capacity", "Data", "ProvisionedBytes"),
        ("Capacity", "Data", "AllocatedBytes"),
    ):
        found = number(body, *place)
        if found is not None:
            return found
    return 0


def renamed(body: Body, name: str) -> Body:
    """What gives a volume another name; services of before DisplayName have no other than Name."""
    return {"DisplayName" if "DisplayName" in body or "Name" not in body else "Name": checked_name(name)}


def name_of(body: Body) -> str:
    return text(body, "DisplayName") or text(body, "Name") or text(body, "Id")


class SwordfishVolumes(Bound):
    """Volumes of the context's tenant."""

    def list(self, query: Query | None = None) -> Page[Volume]:
        bodies = dict(self.every(self.share.volumes))
        return page_of(
            Volume,
            [self._volume(path, body, bodies) for path, body in bodies.items() if not is_snapshot(body)],
            query,
            _SORTS,
        )

    def get(self, volume: str) -> Volume:
        path, answer = self._found(volume)
        return self._volume(path, answer.body, {})

    def create(self, wanted: VolumeRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        no_plan(dry_run)
        _check(wanted)
        change = self.change("volume.create", None, key, wanted)
        if wanted.source_volume is not None or wanted.source_snapshot is not None:
            return self.begun(change, lambda: self._copy(wanted, key))
        if not 0 < wanted.size <= _LARGEST:
            raise Invalid("A volume has 1 byte at least.", field="size")
        return self.begun(change, lambda: self._make(wanted, key))

    def update(self, volume: str, changes: Changes, *, if_version: int | None = None) -> Volume:
        if changes.description is not None or changes.metadata is not None:
            raise NotOffered("This system keeps no description and no metadata of volumes.")
        if changes.protection is not None:
            raise NotOffered("When snapshots are taken this system's classes of service say.")
        path, answer = self._found(volume)
        if changes.name is not None:
            self.patch(path, answer, renamed(answer.body, changes.name), if_version, _NAMES)
        return self.get(volume)

    def extend(
        self, volume: str, size: int, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        no_plan(dry_run)
        path = uri_of(volume)

        def ask() -> Answer:
            _, answer = self._found(volume)
            if not size_of(answer.body) < size <= _LARGEST:
                raise Invalid("A volume can only grow.", next_step="Ask for more than it has.", field="size")
            body: Body = {"CapacityBytes": size}
            if "CapacityBytes" not in answer.body and "Capacity" in answer.body:
                body = {"Capacity": {"Data": {"AllocatedBytes": size}}}
            return self.patch(path, answer, body, if_version, _NAMES, key)

        return self.begun(self.change("volume.extend", id_of(path), key, size, if_version), ask)

    def revert(
        self,
        volume: str,
        snapshot: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        raise NotOffered("Swordfish has no way back to a snapshot.", next_step="Make a new volume of the snapshot.")

    def delete(
        self,
        volume: str,
        *,
        with_snapshots: bool = False,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        no_plan(dry_run)
        path = uri_of(volume)

        def ask() -> Answer:
            _, answer = self._found(volume)
            if with_snapshots and self._snapshots(answer.body):
                raise NotOffered(
                    "This system does not delete a volume and its snapshots in one.",
                    next_step="Delete its snapshots first.",
                )
            if links(answer.body, "Connections"):
                raise InUse("The volume is attached.", next_step="Detach it first.")
            return self.conditional("DELETE", path, answer, None, if_version, key=key)

        return self.begun(self.change("volume.delete", id_of(path), key, with_snapshots, if_version), ask)

    def shown(self, volume: str) -> Answer:
        """A volume as the service shows it; raises `NotFound`."""
        return self._found(volume)[1]

    def _found(self, volume: str) -> tuple[str, Answer]:
        path, answer = self.found(volume, "Volume", self.share.volumes)
        if is_snapshot(answer.body):
            raise absent("Volume", volume)
        return path, answer

    def _make(self, wanted: VolumeRequest, key: str | None) -> Answer:
        collections = self.share.volumes
        if not collections:
            raise NotOffered("This system has no volumes.")
        if len(collections) > 1:
            raise NotOffered(
                "This system has several storages and does not choose among them.",
                next_step="Name one in the system's setting `service`.",
            )
        body: dict[str, object] = {"Name": wanted.name, "CapacityBytes": wanted.size}
        if wanted.profile is not None:
            profile = self._profiles().path(wanted.profile)
            body["Links"] = {"ClassOfService": {"@odata.id": profile}}
        answer = self.client.change(
            "POST", collections[0], body, key=key, names=_NAMES, request_id=self.context.request_id
        )
        return self.located(answer, collections[0], wanted.name)

    def _copy(self, wanted: VolumeRequest, key: str | None) -> Answer:
        source = wanted.source_snapshot if wanted.source_volume is None else wanted.source_volume
        path, answer = self.found(str(source), "Volume", self.share.volumes)
        if is_snapshot(answer.body) != (wanted.source_snapshot is not None):
            raise absent("Volume", path)
        if wanted.size not in (0, size_of(answer.body)):
            raise NotOffered("A copy is as large as its source.", next_step="Make it, then extend it.")
        profile = None if wanted.profile is None else self._profiles().path(wanted.profile)
        given = link(answer.body, "Links", "ClassOfService")
        if profile is not None and given is not None and profile != given:
            raise NotOffered("A copy has the class of service of its source.")
        target, parameters = copied(self.client, answer.body, CLONE, wanted.name)
        made = self.client.change(
            "POST", target, parameters, key=key, names={"/VolumeName": "name"}, request_id=self.context.request_id
        )
        return self.located(made, parent(path), wanted.name)

    def _profiles(self) -> SwordfishProfiles:
        return SwordfishProfiles(self.context, self.site, self.operations)

    def _snapshots(self, body: Body) -> bool:
        """Whether any of its replicas is a snapshot."""
        for path in links(body, "ReplicaTargets"):
            try:
                if is_snapshot(self.ask(path).body):
                    return True
            except NotFound:
                continue
        return False

    def _volume(self, path: str, body: Body, others: Mapping[str, Body]) -> Volume:
        given = link(body, "Links", "ClassOfService")
        pools = providing_pools(body)
        source = source_of(body)
        from_snapshot = source is not None and self._is_snapshot(source, others)
        established = moment(body, "ReplicaInfo", "WhenEstablished") or BEGINNING
        return Volume(
            id=id_of(path),
            tenant=self.context.tenant or "",
            name=name_of(body),
            size=size_of(body),
            profile="" if given is None else id_of(given),
            state=state_of(body),
            protocol=self._protocol(given, body),
            created_at=established,
            updated_at=established,
            version=version_of(body),
            description=text(body, "Description"),
            pool=id_of(pools[0]) if pools else None,
            identifier=identifier_of(body),
            source_volume=None if source is None or from_snapshot else id_of(source),
            source_snapshot=id_of(source) if source is not None and from_snapshot else None,
        )

    def _protocol(self, given: str | None, body: Body) -> str:
        """What it is reached by, or where nothing says so what it is reached by now."""
        said = self._profiles().protocol(given)
        fabrics = (fabric_of(self.site, path) for path in links(body, "Connections"))
        return said or next((fabric.protocol for fabric in fabrics if fabric is not None), "")

    def _is_snapshot(self, path: str, others: Mapping[str, Body]) -> bool:
        if path in others:
            return is_snapshot(others[path])
        try:
            return is_snapshot(self.ask(path).body)
        except NotFound:
            return False


def state_of(body: Body) -> VolumeState:
    """The state that its Status and its Operations come to."""
    for one in mappings(body, "Operations"):
        going_on = number(one, "PercentageComplete") != 100
        name = text(one, "Operation") or text(one, "OperationName")
        if going_on and name in _CHANGING:
            return _CHANGING[name]
    if text(body, "Status", "Health") == "Critical":
        return VolumeState.ERROR
    state = text(body, "Status", "State")
    if state == "UnavailableOffline" and text(body, "Status", "Health") == "OK":
        return VolumeState.DELETING
    return _STATES.get(state, VolumeState.AVAILABLE)


def identifier_of(body: Body) -> str | None:
    """The durable name that hosts see on the wire."""
    for one in mappings(body, "Identifiers"):
        start = _ON_THE_WIRE.get(text(one, "DurableNameFormat"))
        name = text(one, "DurableName").replace(":", "").replace("-", "").lower()
        if start is not None and name:
            return name if name.startswith(start) else start + name.removeprefix("0x")
    return None


def _check(wanted: VolumeRequest) -> None:
    checked_name(wanted.name)
    if wanted.description or wanted.metadata:
        raise NotOffered("This system keeps no description and no metadata of volumes.")
    if wanted.zone is not None or wanted.pool is not None or wanted.near or wanted.apart:
        raise NotOffered("Where a volume lies this system decides by itself.")
    if wanted.size < 0:
        raise Invalid("A volume has 1 byte at least.", field="size")
    if wanted.source_snapshot is not None and wanted.source_volume is not None:
        raise Invalid("A volume has one source.", field="source_snapshot")
