"""`rdm-add`: a volume that is a virtual machine's alone, as a raw device mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import Conflict, Failed, Forbidden, Invalid, NotFound, Refused
from ....core.journal.step import Run, Wait
from ....core.model.attachment import Attachment
from ....core.model.volume import Volume
from ....plugin_manager.action import Call, Choice
from ....plugin_manager.contract import LOCAL_SYSTEM
from ..connection.soap import Connection, Who
from ..hosts import raw_disks
from ..hosts.esx import Esx
from ..hosts.raw_disks import Guest
from ..hosts.reading import datastores_beside, hosts_beside
from ..reasons import because
from ..vcenters.privileges import PROVISION
from .choosing import host_choices, pool_choices, profile_choices, system_choices
from .desk import Desk, Seat
from .exposure import Exposing
from .hidden import demand_alone_still
from .new_volume import NewVolume
from .provision import HOST_PRIVILEGE
from .stage import Stage, everything, hosts_of
from .wanted import MARK, Wanted, demand_hosts, demand_system, is_shared

CONTROLLER_PRIVILEGE = "VirtualMachine.Config.AddRemoveDevice"
PROTOCOL = "iscsi"


@dataclass(frozen=True, slots=True)
class Meant:
    """A machine, and the hosts that it may run on afterwards; its own first."""

    guest: Guest
    hosts: list[Esx]


class RdmAdd(Exposing, NewVolume):
    """Checks, plans and does it. Data: system, hosts, volume, identifier, targets, luns, controllers."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Machine, privileges, hosts; with an input also the volume that is to be used or made."""
        seat = self._desk.seat(call)
        meant = seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))
        if call.input:
            self._volume(self._storage(seat, call.input), call.input, len(meant.hosts))

    def plan(self, call: Call) -> Mapping[str, Any]:
        """Which volume, which hosts would reach it, and where in the machine it would be."""
        seat = self._desk.seat(call)
        meant = seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))
        storage = self._storage(seat, call.input)
        wanted = self._volume(storage, call.input, len(meant.hosts))
        if isinstance(wanted, Wanted):
            volume = dict(storage.volumes.create(wanted.request("plan"), dry_run=True).plan or {})
        else:
            volume = {"id": wanted.id, "name": wanted.name, "size": wanted.size}
        slot = meant.guest.slot()
        return {
            "machine": {"id": str(meant.guest.ref._moId), "name": meant.guest.name},
            "volume": volume,
            "system": call.input["system"],
            "mode": call.input["mode"],
            "unit": slot.unit,
            "new_controller": slot.bus is not None,
            "hosts": [{"id": each.moid, "name": each.name} for each in meant.hosts],
        }

    def system_choices(self, call: Call) -> Sequence[Choice]:
        return system_choices(self._stage.systems(), call.context)

    def profile_choices(self, call: Call) -> Sequence[Choice]:
        return profile_choices(self._stage.systems(), call)

    def pool_choices(self, call: Call) -> Sequence[Choice]:
        return pool_choices(self._stage.systems(), call)

    def volume_choices(self, call: Call) -> Sequence[Choice]:
        """The system's volumes that nobody uses, for who may have any of them."""
        seat = self._desk.seat(call)
        if not seat.ask(partial(_may_choose, seat)):
            return ()
        name = str(call.input.get("system") or LOCAL_SYSTEM)
        demand_system(self._stage.systems(), name)
        storage = self._stage.systems()[name].storage(call.context)
        used = {each.volume for each in everything(storage.attachments.list)}
        shared = {each.id: is_shared(each) for each in everything(storage.profiles.list)}
        return [
            Choice(each.id, each.name, {"size": each.size, "shared": shared.get(each.profile, False)})
            for each in everything(storage.volumes.list, state="available")
            if each.id not in used and each.protocol == PROTOCOL and each.identifier
        ]

    def hosts_choices(self, call: Call) -> Sequence[Choice]:
        """The hosts of the machine's cluster."""
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> Sequence[Choice]:
            guest = raw_disks.demand(connection, connection.reference(seat.target.kind, seat.target.moid))
            return host_choices(_hosts_of(connection, guest, ()))

        return seat.ask(found)

    def volume(self, run: Run) -> Wait | None:
        """The volume: a new one, or the one that was chosen, as long as nobody has it."""
        given = run.data["input"]
        with self._stage.vcenter(run) as connection:
            meant = self._meant(connection, self._stage.subject(run, connection), given)
            run.data["controllers"] = [int(each.key) for each in meant.guest.controllers()]
        found = self._volume(self._stage.storage(run), given, len(meant.hosts))
        if isinstance(found, Wanted):
            made = self._make(run, found)
            if isinstance(made, Wait):
                return made
            found = made
        run.data["hosts"] = [each.moid for each in meant.hosts]
        run.data["volume"] = run.result["volume"] = found.id
        run.data["identifier"] = run.result["identifier"] = found.identifier
        return None

    def no_volume(self, run: Run) -> Wait | None:
        """A volume that was there before stays."""
        return None if "volume" in run.data["input"] else super().no_volume(run)

    def attach(self, run: Run) -> Wait | None:
        """Each host has the volume, and nobody else does."""
        self._demand_alone(run)
        return super().attach(run)

    def scan(self, run: Run) -> None:
        """Every host sees the disk, and it is no datastore's."""
        super().scan(run)
        identifier = str(run.data["identifier"])
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection)
            disks = [host.disk(identifier) for host in hosts]
            _demand_no_file_system(hosts[0], disks[0])
        run.data["luns"] = sorted({str(each.uuid) for each in disks if each is not None})

    def map(self, run: Run) -> None:
        """The machine has the disk; a try before this one may have added it."""
        with self._stage.vcenter(run) as connection:
            alive = self._alive(run)
            guest = raw_disks.settled(connection, self._stage.subject(run, connection), alive)
            if guest.on(run.data["luns"]) is None:
                host = self._running_on(run, connection, guest)
                lun = host.disk(run.data["identifier"])
                if lun is None:
                    raise because(Refused, "no-disk", host=host.name, disk=run.data["identifier"])
                self._demand_alone(run)
                _demand_no_machine(connection, guest, run.data["luns"], str(lun.canonicalName))
                demand_alone_still(run, self._stage, guest, run.data["luns"])
                raw_disks.add(guest, lun, None, run.data["input"]["mode"], alive)

    def unmap(self, run: Run) -> None:
        with self._stage.vcenter(run) as connection, suppress(NotFound):
            alive = self._alive(run)
            guest = raw_disks.settled(connection, self._stage.subject(run, connection), alive)
            disk = guest.on(run.data["luns"])
            if disk is not None:
                raw_disks.remove(guest, disk, alive, keep=run.data["controllers"])

    def read_back(self, run: Run) -> None:
        """The machine's disk is on this volume, as large and in this mode, and each host sees what it is on."""
        volume = self._stage.storage(run).volumes.get(run.data["volume"])
        with self._stage.vcenter(run) as connection:
            guest = raw_disks.demand(connection, self._stage.subject(run, connection))
            disk = guest.on(run.data["luns"])
            for host in self._stage.visit(run, connection):
                if host.disk(run.data["identifier"]) is None:
                    raise because(Failed, "no-disk", host=host.name, disk=run.data["identifier"])
        if disk is None or disk.size != volume.size or disk.mode != run.data["input"]["mode"]:
            raise because(Failed, "raw-differs", machine=guest.name)
        run.result["disk"], run.result["label"] = disk.key, disk.label
        run.result["size"], run.result["mode"], run.result["file"] = disk.size, disk.mode, disk.file

    def _look(self, host: Esx) -> None:
        # A file system on the volume is not to be mounted by looking for it: then it would be no raw device any more.
        host.look()

    def _attachments(self, run: Run) -> list[Attachment]:
        """Those that this operation made: a chosen volume may have come to others meanwhile."""
        return [each for each in super()._attachments(run) if _made_by(run, each)]

    def _demand_alone(self, run: Run) -> None:
        """Raises when somebody else has the volume: a chosen one may have been chosen twice."""
        storage = self._stage.storage(run)
        others = [each for each in super()._attachments(run) if not _made_by(run, each)]
        if others:
            name, hosts = storage.volumes.get(run.data["volume"]).name, _names(storage, others)
            raise because(Conflict, "volume-used", name=name, hosts=hosts)

    def _alive(self, run: Run) -> Any:
        return lambda: run.progress(run.operation.progress)

    def _running_on(self, run: Run, connection: Connection, guest: Guest) -> Esx:
        """The host where the machine is now; it may have moved since."""
        for host in self._stage.hosts(run, connection):
            if host.moid == guest.host._moId:
                return host
        raise because(Conflict, "own-host", machine=guest.name)

    def _storage(self, seat: Seat, given: Mapping[str, Any]) -> Storage:
        demand_system(self._stage.systems(), given["system"])
        return self._stage.systems()[given["system"]].storage(seat.context)

    def _volume(self, storage: Storage, given: Mapping[str, Any], hosts: int) -> Volume | Wanted:
        """What is to be made, or the volume that was chosen; raises when it cannot be had so."""
        if "volume" not in given:
            if "name" not in given or "size" not in given:
                raise because(Invalid, "volume-or-new")
            return Wanted.of(given, storage, hosts)
        if given.keys() & {"name", "size", "profile", "pool"}:
            raise because(Invalid, "volume-or-new")
        try:
            volume = storage.volumes.get(given["volume"])
        except NotFound:
            raise because(Conflict, "no-volume", volume=given["volume"]) from None
        if volume.state != "available" or volume.protocol != PROTOCOL or not volume.identifier:
            raise because(Conflict, "volume-unfit", name=volume.name)
        users = _names(storage, everything(storage.attachments.list, volume=volume.id))
        if users:
            raise because(Conflict, "volume-used", name=volume.name, hosts=users)
        profile = storage.profiles.get(volume.profile)
        if hosts > 1 and not is_shared(profile):
            raise because(Conflict, "profile-single", profile=profile.name, hosts=hosts)
        return volume

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Meant:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        if "volume" in given and not _may_choose(seat, connection, who):
            raise because(Forbidden, "any-volume", privilege=PROVISION, vcenter=seat.reach.vcenter.name)
        meant = self._meant(connection, subject, given)
        wanted = [*raw_disks.CHANGE, *([CONTROLLER_PRIVILEGE] if meant.guest.slot().bus is not None else ())]
        seat.demand(connection, who, subject, *wanted)
        for host in meant.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        home = datastores_beside(connection, meant.hosts[0].ref).get(meant.guest.home)
        if home is not None:
            seat.demand(connection, who, home, raw_disks.SPACE)
        return meant

    def _meant(self, connection: Connection, subject: Any, given: Mapping[str, Any]) -> Meant:
        guest = raw_disks.demand(connection, subject)
        if guest.template:
            raise because(Conflict, "template", machine=guest.name)
        chosen = given.get("hosts", ())
        hosts = _hosts_of(connection, guest, chosen)
        demand_hosts(hosts, chosen)
        hosts.sort(key=lambda host: host.moid != guest.host._moId)
        if hosts[0].moid != guest.host._moId:
            raise because(Conflict, "own-host", machine=guest.name)
        guest.slot()
        return Meant(guest, hosts)


def _may_choose(seat: Seat, connection: Connection, who: Who) -> bool:
    """Whether any volume of the tenant's may be chosen: by who may provision in the whole vCenter, not on a machine of
    it alone. What users of Isthmus may do is decided by their roles."""
    if seat.session is None:
        return True
    try:
        return bool(connection.privileges(connection.content.rootFolder, who.key, (PROVISION,)))
    except (Forbidden, NotFound):
        return False


def _hosts_of(connection: Connection, guest: Guest, chosen: Sequence[str]) -> list[Esx]:
    """Those of the machine's cluster; its host alone where it is in none."""
    parent = connection.read(guest.host, "parent").get("parent")
    return hosts_of(connection, guest.host if parent is None else parent, chosen)


def _made_by(run: Run, attachment: Attachment) -> bool:
    return attachment.metadata.get(MARK) == run.operation.id


def _names(storage: Storage, attachments: Iterable[Attachment]) -> list[str]:
    """Of the hosts that have the volume."""
    return [storage.hosts.get(each.host).name for each in attachments]


def _demand_no_machine(connection: Connection, guest: Guest, luns: Sequence[str], disk: str) -> None:
    """Raises when another machine of the datacenter has the disk."""
    machines = raw_disks.others_on(connection, hosts_beside(connection, guest.host), guest.ref, luns)
    if machines:
        raise because(Conflict, "volume-used", name=disk, hosts=machines)


def _demand_no_file_system(host: Esx, disk: Any) -> None:
    """Raises when the disk is part of a datastore, mounted or not: what is on it would be lost."""
    with host.at():
        infos = host.storage.RetrieveDiskPartitionInfo([disk.deviceName])
    if any(part.type == "vmfs" for info in infos for part in info.spec.partition or ()):
        raise because(Conflict, "holds-vmfs", disk=disk.canonicalName)
