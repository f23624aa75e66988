"""`rdm-remove`: a raw device leaves its machine, and the volume its hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Failed, NotFound, Refused
from ....core.journal.step import Run, Wait
from ....core.model.attachment import Attachment
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import raw_disks
from ..hosts.blockers import Blocker, phrases
from ..hosts.esx import Esx, hosts_at
from ..hosts.raw_disks import Guest, RawDisk
from ..hosts.reading import datastores_beside, hosts_beside
from ..reasons import because
from .asked import asked, withdrawn
from .backing import Backing, behind, targets_of
from .desk import Desk, Seat
from .hidden import demand_alone, demand_alone_still
from .provision import HOST_PRIVILEGE
from .stage import Stage, each_host, everything


@dataclass(frozen=True, slots=True)
class Given:
    """A raw disk of a machine, the volume behind it, the hosts of the datacenter that have it with their attachments,
    and what these hosts call it by."""

    guest: Guest
    disk: RawDisk
    backing: Backing
    hosts: list[Esx]
    attachments: list[Attachment]
    luns: list[str]


class RdmRemove:
    """Checks, plans and does it. Data: system, volume, identifier, name, hosts, attachments, targets, disk, luns."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, and a raw disk of ours; with an input also whether that one may go."""
        if call.input:
            self._asked(call)
        else:
            seat = self._desk.seat(call)
            seat.ask(lambda connection, who: self._demand_some(seat, connection, who))

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What would go."""
        given = self._asked(call)
        return {
            "machine": {"id": str(given.guest.ref._moId), "name": given.guest.name},
            "disk": given.disk.label,
            "volume": {
                "id": given.backing.volume.id,
                "name": given.backing.volume.name,
                "size": given.backing.volume.size,
            },
            "system": given.backing.system,
            "delete_volume": bool(call.input["delete_volume"]),
            "hosts": [{"id": each.moid, "name": each.name} for each in given.hosts],
        }

    def disk_choices(self, call: Call) -> Sequence[Choice]:
        """The machine's raw disks that are ours."""
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> Sequence[Choice]:
            guest = raw_disks.demand(connection, connection.reference(seat.target.kind, seat.target.moid))
            return [
                Choice(
                    disk.key,
                    disk.label,
                    {"volume": backing.volume.name, "size": disk.size, "mode": disk.mode, "system": backing.system},
                )
                for disk, backing in self._ours(connection, guest, seat.context)
            ]

        return seat.ask(found)

    def examine(self, run: Run) -> None:
        """Whether it may go, once more; and how all was, for the way back."""
        with self._stage.vcenter(run) as connection:
            given = self._given(connection, self._stage.subject(run, connection), run.context, run.data["input"])
        demand_alone_still(run, self._stage, given.guest, given.luns)
        backing = given.backing
        run.data["system"], run.data["volume"] = backing.system, backing.volume.id
        run.data["identifier"], run.data["name"] = backing.volume.identifier, backing.volume.name
        run.data["hosts"] = [each.moid for each in given.hosts]
        run.data["attachments"] = [each.id for each in given.attachments]
        run.data["targets"] = targets_of(given.attachments)
        run.data["disk"], run.data["luns"] = given.disk.to_json(), given.luns

    def unmap(self, run: Run) -> None:
        """The machine has the disk no more, and its mapping file is gone."""
        with self._stage.vcenter(run) as connection:
            alive = self._alive(run)
            guest = raw_disks.settled(connection, self._stage.subject(run, connection), alive)
            disk = guest.on(run.data["luns"])
            if disk is not None:
                raw_disks.remove(guest, disk, alive)

    def remap(self, run: Run) -> None:
        """As it was: at the same place, under the same name."""
        before = RawDisk.from_json(run.data["disk"])
        with self._stage.vcenter(run) as connection:
            alive = self._alive(run)
            guest = raw_disks.settled(connection, self._stage.subject(run, connection), alive)
            if guest.on(run.data["luns"]) is None:
                host = _host_of(connection, guest)
                lun = host.disk(run.data["identifier"])
                if lun is None:
                    raise because(Refused, "no-disk", host=host.name, disk=run.data["identifier"])
                raw_disks.add(guest, lun, before, before.mode, alive)

    def let_go(self, run: Run) -> None:
        """No host uses the disk any more; one on which anything else needs it refuses."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection, gone_ok=True):
                host.demand_connected()
                host.detach(run.data["identifier"])

    def take_up(self, run: Run) -> None:
        """All of them use it again."""
        with self._stage.vcenter(run) as connection:
            each_host(
                self._stage.visit(run, connection, gone_ok=True), lambda host: host.attach(run.data["identifier"])
            )

    def withdraw(self, run: Run) -> None:
        """The hosts log in no more and remember nothing of it."""
        identifier = str(run.data["identifier"])
        with self._stage.vcenter(run) as connection:
            each_host(
                self._stage.visit(run, connection, gone_ok=True),
                lambda host: host.leave(run.data["targets"], identifier),
            )

    def detach(self, run: Run) -> Wait | None:
        """The hosts may have the volume no more."""
        storage, children = self._stage.storage(run), []
        for known in run.data["attachments"]:
            with suppress(NotFound):
                children.append(withdrawn(run, storage, known))
        return self._stage.all_ended(run, storage, children)

    def volume(self, run: Run) -> Wait | None:
        """It goes, if that was asked for."""
        if not run.data["input"]["delete_volume"]:
            return None
        storage, doomed = self._stage.storage(run), str(run.data["volume"])
        try:
            child = asked(run, doomed, lambda key: storage.volumes.delete(doomed, key=key))
        except NotFound:
            return None
        found = self._stage.ended(run, storage, child)
        return found if isinstance(found, Wait) else None

    def read_back(self, run: Run) -> None:
        """Neither machine nor host has anything of it; the volume is there or gone, as was asked for."""
        storage, deleted = self._stage.storage(run), bool(run.data["input"]["delete_volume"])
        with self._stage.vcenter(run) as connection:
            with suppress(NotFound):
                guest = raw_disks.demand(connection, self._stage.subject(run, connection))
                if guest.on(run.data["luns"]) is not None:
                    raise because(Failed, "raw-still-there", machine=guest.name, disk=run.data["disk"]["label"])
            for host in self._stage.visit(run, connection, gone_ok=True):
                if host.disk(run.data["identifier"]) is not None:
                    raise because(Failed, "volume-still-seen", host=host.name, name=run.data["name"])
        left = {each.id for each in everything(storage.attachments.list, volume=run.data["volume"])}
        if left & set(run.data["attachments"]) or _is_there(storage, run.data["volume"]) is deleted:
            raise because(Failed, "volume-differs", name=run.data["name"])
        run.result["volume"], run.result["deleted"] = run.data["volume"], deleted

    def _alive(self, run: Run) -> Any:
        return lambda: run.progress(run.operation.progress)

    def _asked(self, call: Call) -> Given:
        seat = self._desk.seat(call)
        given = seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))
        demand_alone(seat, given.guest, given.luns)
        return given

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Given:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        found = self._given(connection, subject, seat.context, given)
        seat.demand(connection, who, subject, *raw_disks.CHANGE)
        for host in found.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        # On the way back the mapping file is made anew.
        home = datastores_beside(connection, found.guest.host).get(found.disk.home)
        if home is not None:
            seat.demand(connection, who, home, raw_disks.SPACE)
        return found

    def _demand_some(self, seat: Seat, connection: Connection, who: Who) -> None:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        guest = raw_disks.demand(connection, subject)
        if not self._ours(connection, guest, seat.context):
            raise because(Conflict, "no-raw-disk", machine=guest.name)
        seat.demand(connection, who, subject, *raw_disks.CHANGE)

    def _ours(self, connection: Connection, guest: Guest, context: Context) -> list[tuple[RawDisk, Backing]]:
        """The machine's raw disks with the volumes behind them; those of systems that are none of ours are left out."""
        found = []
        for host in hosts_at(connection, [guest.host]) if guest.raw else ():
            for disk in guest.raw:
                identifier = host.identifier(disk.lun)
                backing = behind(self._stage.systems(), context, identifier) if identifier else ""
                if isinstance(backing, Backing):
                    found.append((disk, backing))
        return found

    def _given(self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]) -> Given:
        guest = raw_disks.demand(connection, subject)
        disk = next((each for each in guest.raw if each.key == given["disk"]), None)
        if disk is None:
            raise because(Conflict, "no-such-disk", machine=guest.name, disk=given["disk"])
        backing = self._behind(connection, guest, disk, context)
        beside = hosts_at(connection, hosts_beside(connection, guest.host))
        hosts, attachments, foreign = _having(backing, beside)
        seen = (each.disk(str(backing.volume.identifier)) for each in hosts)
        luns = sorted({disk.lun, *(str(each.uuid) for each in seen if each is not None)})
        _demand_unheld(guest, disk, [each.ref for each in beside], luns)
        for host in hosts:
            if not host.connected:
                raise because(Conflict, "host-offline", host=host.name)
        if given["delete_volume"]:
            _demand_deletable(backing, foreign)
        return Given(guest, disk, backing, hosts, attachments, luns)

    def _behind(self, connection: Connection, guest: Guest, disk: RawDisk, context: Context) -> Backing:
        host = _host_of(connection, guest)
        identifier = host.identifier(disk.lun)
        if identifier is None:
            raise because(Conflict, "no-disk", host=host.name, disk=disk.lun)
        found = behind(self._stage.systems(), context, identifier)
        if isinstance(found, Backing):
            return found
        if found:
            raise because(Conflict, "raw-system-silent", system=found, disk=disk.label, machine=guest.name)
        raise because(Conflict, "raw-not-ours", disk=disk.label, machine=guest.name)


def _having(backing: Backing, beside: Sequence[Esx]) -> tuple[list[Esx], list[Attachment], bool]:
    """The hosts of the datacenter that have the volume, their attachments, and whether anybody else has it."""
    by_iqn: dict[str, Esx] = {}
    for host in beside:
        with suppress(Refused):
            by_iqn[str(host.adapter().iScsiName)] = host
    hosts: dict[str, Esx] = {}
    ours, foreign = [], False
    for each in backing.attachments():
        found = [by_iqn[one.name] for one in backing.storage.hosts.get(each.host).initiators if one.name in by_iqn]
        if found:
            ours.append(each)
            hosts |= {host.moid: host for host in found}
        foreign = foreign or not found
    return list(hosts.values()), ours, foreign


def _demand_unheld(guest: Guest, disk: RawDisk, hosts: Sequence[Any], luns: Sequence[str]) -> None:
    """Raises with the names of snapshots and machines that need the disk."""
    found = [Blocker("snapshot", name) for name in guest.held_by_snapshots(luns)]
    found += [Blocker("vm", name) for name in raw_disks.others_on(guest.connection, hosts, guest.ref, luns)]
    if found:
        raise because(Conflict, "raw-held", disk=disk.label, machine=guest.name, blockers=phrases(found))


def _demand_deletable(backing: Backing, foreign: bool) -> None:
    if foreign:
        raise because(Conflict, "volume-elsewhere", name=backing.volume.name)
    count = backing.snapshots()
    if count:
        raise because(Conflict, "volume-snapshots", name=backing.volume.name, count=count)


def _is_there(storage: Any, volume: str) -> bool:
    try:
        storage.volumes.get(volume)
    except NotFound:
        return False
    return True


def _host_of(connection: Connection, guest: Guest) -> Esx:
    """The host that the machine is on; raises when it left the inventory."""
    found = hosts_at(connection, [guest.host])
    if not found:
        raise because(Failed, "host-gone")
    return found[0]
