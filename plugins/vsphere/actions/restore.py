"""`restore`: a datastore as it was at a snapshot. Its hosts let go of the volume, the storage puts it back, and they
take it up again; machines on it leave the inventory meanwhile, since what they are is written on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Failed, Invalid, IsthmusError, NotFound, Refused
from ....core.journal.step import Run, Wait
from ....core.model.attachment import AccessMode, Attachment
from ....core.model.operation import OperationState
from ....core.model.request import AttachmentRequest
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import machines, vmfs
from ..hosts.blockers import holders, phrases
from ..hosts.esx import Esx
from ..hosts.machines import Machine
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .asked import asked, attached, withdrawn
from .backing import Backing, targets_of
from .desk import Desk, Seat
from .hidden import demand_readable, demand_seen, demand_seen_still
from .mounted import hosts_of_store, writes
from .points import (
    BROWSE,
    FILE_SYSTEM,
    NOT_NOW,
    demand_any_snapshot,
    demand_snapshot,
    found_at,
    shown_time,
    snapshot_choices,
    words,
)
from .provision import HOST_PRIVILEGE
from .quiescing import alive, demand_on, point_of
from .stage import Stage, each_host, everything
from .wanted import MARK

_TRIES = 5
_NEVER = (*NOT_NOW, Invalid, NotFound)
"""What a storage system refuses a revert with that it did not do; the last two when the snapshot is gone."""


@dataclass(frozen=True, slots=True)
class Restorable:
    """A datastore that can be put back, its volume, its hosts, and the machines that leave the inventory for it."""

    store: Vmfs
    backing: Backing
    hosts: list[Esx]
    machines: list[Machine]


class Restore:
    """Checks, plans and does it. Data: system, volume, identifier, datastore, hosts, mounted, targets, attached,
    machines, point, taken_by. From the revert on there is no way back: a snapshot taken before is one."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, machines, blockers, hosts, volume, snapshots."""
        self._asked(call)

    def snapshot_choices(self, call: Call) -> Sequence[Choice]:
        return snapshot_choices(self._desk, self._stage, call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """To which moment, and which machines are registered anew."""
        found = self._asked(call)
        snapshot = demand_snapshot(found.store, found.backing, str(call.input["snapshot"]))
        return {
            "datastore": {"id": found.store.moid, "name": found.store.name},
            "volume": {"id": found.backing.volume.id, "name": found.backing.volume.name},
            "system": found.backing.system,
            "snapshot": {"id": snapshot.id, "name": snapshot.name, "created_at": shown_time(snapshot)},
            "machines": [{"id": each.moid, "name": each.name} for each in found.machines],
            "hosts": [{"id": each.moid, "name": each.name} for each in found.hosts],
        }

    def examine(self, run: Run) -> None:
        """Once more; and how everything stands, which the later steps no longer see."""
        with self._stage.vcenter(run) as connection:
            subject = self._stage.subject(run, connection)
            found = self._restorable(connection, subject, run.context, run.data["input"])
        demand_seen_still(run, self._stage, found.store, found.machines)
        snapshot = demand_snapshot(found.store, found.backing, str(run.data["input"]["snapshot"]))
        volume, attached = found.backing.volume, found.backing.attachments()
        run.data["system"], run.data["volume"], run.data["identifier"] = (
            found.backing.system, volume.id, volume.identifier,
        )  # fmt: skip
        run.data["datastore"], run.data["name"] = found.store.moid, found.store.name
        run.data["hosts"] = [each.moid for each in found.hosts]
        run.data["mounted"] = [each.moid for each in found.hosts if _mounted(found.store, each)]
        run.data["targets"] = targets_of(attached)
        run.data["attached"] = [
            {"host": each.host, "mode": each.mode.value, "metadata": dict(each.metadata)} for each in attached
        ]
        run.data["machines"] = [machines.place_of(each) for each in found.machines]
        run.data["point"], run.data["taken_by"] = snapshot.id, snapshot.metadata.get(MARK)
        run.result["datastore"], run.result["volume"] = found.store.moid, volume.id
        run.result["snapshot"] = snapshot.id

    def unregister(self, run: Run) -> None:
        """The machines leave the inventory; one that was powered on or moved meanwhile stops it."""
        files = {each["id"]: each["file"] for each in run.data["machines"]}
        with self._stage.vcenter(run) as connection:
            store, found = self._store(run, connection), self._known(run, connection)
            _demand_off(_on(found), run.data["name"])
            for each in found:
                if each.file != files[each.moid] or _torn(each, store):
                    raise because(Conflict, "vm-moved", machine=each.name, name=store.name)
            for each in found:
                machines.unregister(connection, each)

    def reregister(self, run: Run) -> None:
        """All of them are back."""
        lacking = self._register(run)
        if lacking:
            raise because(Failed, "vm-not-back", machines=lacking)

    def unmount(self, run: Run) -> None:
        """All hosts, before any disk is withdrawn; a host refuses while it needs the datastore."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection):
                host.demand_connected()
                vmfs.unmount(host, self._store(run, connection))
                host.detach(run.data["identifier"])

    def mount(self, run: Run) -> None:
        """Every host uses the disk again and has what is on it mounted, if it had before."""
        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), lambda host: self._mount(run, host))

    def targets(self, run: Run) -> None:
        """No host logs in any more."""
        identifier = str(run.data["identifier"])

        def work(host: Esx) -> None:
            for iqn in run.data["targets"]:
                host.remove_target(iqn, identifier)
            host.scan()

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def connect(self, run: Run) -> None:
        """Each host logs in again, with the secret of its own attachment, and sees the disk under its old name."""
        storage = self._stage.storage(run)
        by_name = {
            initiator.name: each
            for each in self._attachments(run)
            for initiator in storage.hosts.get(each.host).initiators
        }

        def work(host: Esx) -> None:
            known = by_name.get(str(host.adapter().iScsiName))
            # One that knew the datastore and had no attachment has nothing to log in to.
            if known is not None:
                host.add_target(storage.attachments.connection(known.id))
                host.scan()
                if host.disk(run.data["identifier"]) is None:
                    raise because(Refused, "no-disk", host=host.name, disk=run.data["identifier"])

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def withdraw(self, run: Run) -> Wait | None:
        """No host may have the volume. One that got it meanwhile was not asked to let go of it, and stops this."""
        storage, children = self._stage.storage(run), []
        there, known = self._attachments(run), [each["host"] for each in run.data["attached"]]
        if any(each.host not in known for each in there):
            raise because(Conflict, "attached-meanwhile", name=run.data["name"])
        for each in there:
            with suppress(NotFound):
                children.append(withdrawn(run, storage, each.id))
        return self._stage.all_ended(run, storage, children)

    def attach(self, run: Run) -> Wait | None:
        """Those hosts that had the volume have it."""
        storage, children = self._stage.storage(run), []
        there = {each.host for each in self._attachments(run) if each.state == "attached"}
        for each in run.data["attached"]:
            if each["host"] not in there:
                request = AttachmentRequest(
                    run.data["volume"], each["host"], AccessMode(each["mode"]), metadata=each["metadata"]
                )
                children.append(attached(run, storage, request))
        waiting = self._stage.all_ended(run, storage, children)
        if waiting is None:
            run.data["targets"] = targets_of(self._attachments(run))
        return waiting

    def rehearse(self, run: Run) -> None:
        """What the storage would refuse is refused now, while there is a way back."""
        try:
            self._stage.storage(run).volumes.revert(run.data["volume"], run.data["point"], dry_run=True)
        except NOT_NOW as error:
            raise because(
                Refused, "no-restore-now", system=run.data["system"], name=run.data["name"], said=words(error)
            ) from None

    def revert(self, run: Run) -> Wait | None:
        """The volume has the snapshot's content: no way back from here. Where the storage goes on refusing, and nothing
        has changed, what follows puts everything back as it was, and the last step tells."""
        storage = self._stage.storage(run)
        try:
            volume, point = run.data["volume"], run.data["point"]
            child = asked(run, "revert", lambda key: storage.volumes.revert(volume, point, key=key))
        except _NEVER as error:
            self._refused(run, error)
            return None
        try:
            found = self._stage.ended(run, storage, child)
        except _NEVER as error:
            # Only such an end says that the volume is what it was; what a system raises else may say anything.
            if storage.operations.get(child.id).state not in (OperationState.FAILED, OperationState.CANCELLED):
                raise
            self._refused(run, error)
            return None
        return found if isinstance(found, Wait) else None

    def register(self, run: Run) -> None:
        """The machines are back that the snapshot has too."""
        run.result["lacking"] = self._register(run)

    def rewind(self, run: Run) -> None:
        """Machines that were at rest for the snapshot are as they were then, and the snapshot of each that was taken
        for it goes. One that somebody powered on since keeps what it wrote, and is told."""
        left = run.result["not_rewound"] = []
        if not run.data["taken_by"] or "refused" in run.data:
            return
        name = point_of(run.data["taken_by"])
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for each in machines.machines_on(connection, store.ref):
                if each.lies_on(store.name) and not machines.rewind(connection, each, name, alive(run)):
                    left.append(each.name)

    def read_back(self, run: Run) -> None:
        """Accessible on every host that reached it, on its disk; all machines back that it has. Those that nobody knew
        are told. Raises what the storage refused."""
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for host in self._stage.hosts(run, connection, gone_ok=True):
                if host.moid in run.data["mounted"] and not writes(store, host):
                    raise because(Failed, "not-accessible", name=store.name, host=host.name)
            found = {each.file: each for each in machines.machines_on(connection, store.ref)}
            for known in run.data["machines"]:
                if known["name"] not in run.result["lacking"] and self._file(run, store, known) not in found:
                    raise because(Failed, "vm-not-back", machines=known["name"])
            for each in found.values():
                if run.data["taken_by"] and each.named(point_of(run.data["taken_by"])):
                    name = point_of(run.data["taken_by"])
                    raise because(Failed, "vm-snapshot-left", machine=each.name, snapshot=name)
            there = machines.descriptions_on(connection, store.ref, store.name, alive(run))
        if store.disks != (run.data["identifier"],):
            raise because(Failed, "differs", name=store.name)
        if "refused" in run.data:
            said, system = run.data["refused"], run.data["system"]
            raise because(Refused, "not-restored", system=system, name=store.name, said=said)
        run.result["name"], run.result["machines"] = store.name, sorted(each.name for each in found.values())
        run.result["unregistered"] = [each for each in there if each not in found]

    def _refused(self, run: Run, error: IsthmusError) -> None:
        """Raises it at the first tries: what is in the way may pass."""
        if run.attempt < _TRIES:
            raise error
        run.data["refused"] = words(error)

    def _mount(self, run: Run, host: Esx) -> None:
        host.attach(run.data["identifier"])
        host.scan()
        store = vmfs.on_disk(host, run.data["identifier"])
        if store is None:
            raise because(Failed, "no-vmfs", name=run.data["name"])
        run.data["datastore"] = run.result["datastore"] = store.moid
        if host.moid in run.data["mounted"]:
            vmfs.mount(host, store)

    def _register(self, run: Run) -> list[str]:
        """The names of those whose descriptions are not there."""
        lacking, beat = [], alive(run)
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            never_left = {each.moid for each in self._known(run, connection)}
            for known in run.data["machines"]:
                if known["id"] in never_left:
                    continue
                machines.registering_ended(connection, known, beat)
                here = {each.file for each in machines.machines_on(connection, store.ref)}
                file = self._file(run, store, known)
                if file not in here and not machines.register(connection, known, file, beat):
                    lacking.append(str(known["name"]))
        return lacking

    def _known(self, run: Run, connection: Connection) -> list[Machine]:
        """Those of the machines that are in the inventory as what they were."""
        refs = [connection.reference("VirtualMachine", each["id"]) for each in run.data["machines"]]
        return machines.machines_at(connection, refs)

    def _file(self, run: Run, store: Vmfs, known: Mapping[str, Any]) -> str:
        """Where a machine's description is now that the datastore is called as it was then."""
        before = f"[{run.data['name']}] "
        file = str(known["file"])
        return f"[{store.name}] {file.removeprefix(before)}" if file.startswith(before) else file

    def _store(self, run: Run, connection: Connection) -> Vmfs:
        return vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))

    def _attachments(self, run: Run) -> list[Attachment]:
        return list(everything(self._stage.storage(run).attachments.list, volume=run.data["volume"]))

    def _asked(self, call: Call) -> Restorable:
        seat = self._desk.seat(call)
        found = seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))
        if call.input:
            demand_seen(seat, found.store, found.machines)
        return found

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Restorable:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        found = self._restorable(connection, subject, seat.context, given)
        seat.demand(connection, who, subject, BROWSE)
        for host in found.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        demand_on(connection, who, found.machines, machines.UNREGISTER, machines.REVERT, machines.REMOVE)
        for ref in {each.folder._moId: each.folder for each in found.machines}.values():
            seat.demand(connection, who, ref, machines.REGISTER)
        pools = [each.pool for each in found.machines if each.pool is not None and not each.template]
        for ref in {each._moId: each for each in pools}.values():
            seat.demand(connection, who, ref, machines.POOL)
        return found

    def _restorable(
        self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]
    ) -> Restorable:
        store, backing = found_at(self._stage, connection, subject, context)
        if "volumes.revert" not in backing.offers():
            raise because(Conflict, "no-restore", system=backing.system)
        demand_any_snapshot(store, backing)
        # Mostly some of them are on: no reason to read all that there is to read about them.
        _demand_off(machines.not_off(connection, subject), store.name)
        found = machines.machines_on(connection, subject)
        if given:
            demand_readable(connection, store, found)
        _demand_off(_on(found), store.name)
        for each in found:
            if each.folder is None:
                raise because(Conflict, "vm-vapp", machine=each.name)
            if _torn(each, store):
                raise because(Conflict, "vm-spans", machine=each.name, name=store.name)
        held = holders(connection, subject)
        if held:
            raise because(Conflict, "restore-blocked", name=store.name, blockers=phrases(held))
        hosts = hosts_of_store(connection, store)
        backing.demand_only(hosts, store.name)
        if given:
            snapshot = demand_snapshot(store, backing, str(given["snapshot"]))
            if snapshot.metadata.get(FILE_SYSTEM, store.uuid) != store.uuid:
                raise because(Conflict, "snapshot-of-another", snapshot=snapshot.name, name=store.name)
        return Restorable(store, backing, hosts, found)


def _on(found: Sequence[Machine]) -> list[str]:
    return [each.name for each in found if not each.off]


def _demand_off(on: Sequence[str], name: str) -> None:
    if on:
        raise because(Conflict, "vm-on", name=name, machines=list(on))


def _torn(machine: Machine, store: Vmfs) -> bool:
    """Whether only a part of it would be put back, or it cannot be read."""
    lies = machine.lies_on(store.name)
    here = lies or store.moid in machine.stores
    return not machine.file or (here and (not lies or bool(machine.stores - {store.moid})))


def _mounted(store: Vmfs, host: Esx) -> bool:
    seen = store.seen_by(host)
    return seen is not None and seen.mounted
