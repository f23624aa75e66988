"""`clone`: a new datastore with the content of another, of now or of a snapshot: a copy of the volume, which a host
gives an identity of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Failed, NotFound, NotOffered, Refused
from ....core.journal.step import Run, Wait
from ....core.model.request import VolumeRequest
from ....core.model.snapshot import Snapshot
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.esx import Esx, hosts_at
from ..hosts.machines import Machine
from ..hosts.named import named
from ..hosts.reading import datastore_folder, hosts_beside
from ..hosts.resignature import resignature, settled
from ..hosts.vmfs import Vmfs
from ..policies.new_store import tag_new_store
from ..reasons import because
from .backing import Backing
from .choosing import host_choices, profile_choices
from .desk import Desk, Seat
from .exposure import Exposing
from .hidden import demand_seen, demand_seen_still
from .mounted import writes
from .new_volume import NewVolume
from .points import BROWSE, demand_snapshot, demand_taking, found_at, snapshot_choices
from .provision import HOST_PRIVILEGE
from .quiescing import PRIVILEGES, alive, consistent, demand_on, demand_quiescible, running_on
from .stage import Stage, each_host, visited
from .taking import Taking
from .wanted import Wanted, demand_free_name, demand_hosts

RENAME = "Datastore.Rename"


@dataclass(frozen=True, slots=True)
class Copy(Wanted):
    """A new datastore that begins as a copy of a snapshot (`source`)."""

    source: str = ""

    def request(self, mark: str) -> VolumeRequest:
        return replace(Wanted.request(self, mark), source_snapshot=self.source)


@dataclass(frozen=True, slots=True)
class Original:
    """A datastore that can be copied, the hosts that get the copy, and the snapshot (None: one is taken)."""

    store: Vmfs
    backing: Backing
    hosts: list[Esx]
    snapshot: Snapshot | None
    running: list[Machine]


class Clone(Taking, Exposing, NewVolume):
    """Checks, plans and does it. Data: beside those of its parts `copy` (the new datastore)."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Volume, hosts, privileges; with an input also name, profile, snapshot or the machines."""
        self._asked(call)

    def snapshot_choices(self, call: Call) -> Sequence[Choice]:
        return snapshot_choices(self._desk, self._stage, call)

    def profile_choices(self, call: Call) -> Sequence[Choice]:
        """Those of the system that the datastore is on."""
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> str:
            subject = connection.reference(seat.target.kind, seat.target.moid)
            return found_at(self._stage, connection, subject, seat.context)[1].system

        given = {**call.input, "system": seat.ask(found)}
        return profile_choices(self._stage.systems(), replace(call, input=given))

    def hosts_choices(self, call: Call) -> Sequence[Choice]:
        """The hosts of the datacenter."""
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> Sequence[Choice]:
            subject = connection.reference(seat.target.kind, seat.target.moid)
            return host_choices(hosts_at(connection, hosts_beside(connection, subject)))

        return seat.ask(found)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What is copied, where the copy would be, and which hosts would get it."""
        original = self._asked(call)
        store, backing, given = original.store, original.backing, call.input
        if original.snapshot is None:
            placed = demand_taking(store, backing, given, self.point_name(given))
        else:
            wanted = self._wanted(original, given, original.snapshot.id, original.snapshot.size)
            placed = dict(backing.storage.volumes.create(wanted.request("plan"), dry_run=True).plan or {})
        return {
            "datastore": {"name": given["name"], "type": "VMFS", "of": store.name},
            "volume": placed,
            "system": backing.system,
            "snapshot": None if original.snapshot is None else original.snapshot.name,
            "machines": [
                {"id": each.moid, "name": each.name, "tools": each.tools}
                for each in original.running
                if original.snapshot is None and consistent(given)
            ],
            "hosts": [{"id": each.moid, "name": each.name} for each in original.hosts],
        }

    def copies(self, run: Run) -> bool:
        return not run.data["input"].get("snapshot")

    def point_name(self, given: Mapping[str, Any]) -> str:
        return f"clone {given['name']}"

    def examine(self, run: Run) -> None:
        """Once more, before anything is made."""
        with self._stage.vcenter(run) as connection:
            original = self._original(connection, self._stage.subject(run, connection), run.context, run.data["input"])
        if original.snapshot is None and consistent(run.data["input"]):
            demand_seen_still(run, self._stage, original.store, original.running, running=True)
        self.about(run, original.store, original.backing)
        run.data["hosts"] = [each.moid for each in original.hosts]
        if original.snapshot is not None:
            run.data["point"] = run.result["snapshot"] = original.snapshot.id

    def volume(self, run: Run) -> Wait | None:
        """A new volume with the snapshot's content."""
        given, storage = run.data["input"], self._stage.storage(run)
        origin = storage.volumes.get(run.data["origin"])
        snapshot = storage.snapshots.get(run.data["point"])
        backing = Backing(run.data["system"], origin, storage)
        wanted = _copy(backing, len(run.data["hosts"]), given, snapshot.id, snapshot.size)
        made = self._make(run, wanted)
        if isinstance(made, Wait):
            return made
        run.data["volume"] = run.result["volume"] = made.id
        run.data["identifier"] = run.result["identifier"] = made.identifier
        return None

    def resignature(self, run: Run) -> None:
        """One host gives the copy an identity of its own; the original keeps its."""
        with self._stage.vcenter(run) as connection:
            first = self._stage.hosts(run, connection)[0]
            ref = resignature(first, run.data["identifier"], alive(run))
        run.data["copy"] = run.result["datastore"] = str(ref._moId)

    def unresolve(self, run: Run) -> None:
        """No host has the copy mounted or remembers it."""
        identifier = str(run.data["identifier"])
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection, gone_ok=True)
            # What a host made whose answer was lost shows itself in a scan.
            each_host(hosts[:1], lambda host: _leave(host, settled(host, identifier, alive(run))))
            each_host(visited(run, hosts[1:]), lambda host: _leave(host, vmfs.on_disk(host, identifier)))

    def rename(self, run: Run) -> None:
        """From `snap-…` to the name that was asked for."""
        with self._stage.vcenter(run) as connection:
            vmfs.rename(connection, self._copied(run, connection), run.data["input"]["name"])

    def mount(self, run: Run) -> None:
        """The other hosts find it."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection):
                host.demand_connected()
                host.scan()
                vmfs.mount(host, self._copied(run, connection))

    def tidy(self, run: Run) -> Wait | None:
        """The snapshot that was taken for the copy goes; it stays where the storage needs it for the copy."""
        try:
            return self.untake(run)
        except (Conflict, NotOffered, Refused):
            run.result["snapshot"] = run.data["point"]
            return None

    def read_back(self, run: Run) -> None:
        """Accessible on every host, on its own disk, under its name, with an identity of its own; the original as it
        was; nothing left on machines."""
        with self._stage.vcenter(run) as connection:
            store, hosts = self._copied(run, connection), self._stage.hosts(run, connection)
            for host in hosts:
                if not writes(store, host):
                    raise because(Failed, "not-accessible", name=store.name, host=host.name)
            self.demand_released(run, connection)
            with suppress(NotFound):
                original = vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))
                if original.uuid != run.data["file_system"]:
                    raise because(Failed, "differs", name=original.name)
        expected = ((run.data["identifier"],), run.data["input"]["name"])
        if (store.disks, store.name) != expected or store.uuid == run.data["file_system"]:
            raise because(Failed, "differs", name=store.name)
        run.result["capacity"], run.result["unquiesced"] = store.capacity, run.data.get("unquiesced", [])
        tag_new_store(self._stage, run, store.moid)

    def _copied(self, run: Run, connection: Connection) -> Vmfs:
        return vmfs.demand(connection, connection.reference("Datastore", run.data["copy"]))

    def _asked(self, call: Call) -> Original:
        seat = self._desk.seat(call)
        original = seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))
        if call.input and original.snapshot is None and consistent(call.input):
            demand_seen(seat, original.store, original.running, running=True)
        return original

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Original:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        original = self._original(connection, subject, seat.context, given)
        seat.demand(connection, who, subject, BROWSE)
        for host in original.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        folder = datastore_folder(connection, subject)
        if folder is not None:
            seat.demand(connection, who, folder, RENAME)
        if given and original.snapshot is None and consistent(given):
            demand_on(connection, who, original.running, *PRIVILEGES)
        return original

    def _original(self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]) -> Original:
        store, backing = found_at(self._stage, connection, subject, context)
        if "volumes.from_snapshot" not in backing.offers():
            raise because(Conflict, "no-clones", system=backing.system)
        hosts = _targets(connection, store, given.get("hosts", ()))
        if not hosts:
            raise because(Conflict, "no-writer", name=store.name)
        chosen = given.get("snapshot")
        snapshot = demand_snapshot(store, backing, str(chosen)) if chosen else None
        # The devices of machines are much to read, and a menu has milliseconds.
        original = Original(store, backing, hosts, snapshot, running_on(connection, subject) if given else [])
        if given:
            demand_hosts(hosts, ())
            demand_free_name(connection, hosts[0], given["name"])
            size = snapshot.size if snapshot is not None else backing.volume.size
            _copy(backing, len(hosts), given, "", size)
            if snapshot is None:
                demand_taking(store, backing, given, self.point_name(given))
                if consistent(given):
                    demand_quiescible(connection, original.running, given)
        return original

    def _wanted(self, original: Original, given: Mapping[str, Any], snapshot: str, size: int) -> Copy:
        return _copy(original.backing, len(original.hosts), given, snapshot, size)


def _copy(backing: Backing, hosts: int, given: Mapping[str, Any], snapshot: str, size: int) -> Copy:
    """Raises when the profile does not fit; the original's without another."""
    asked = {"name": given["name"], "size": size, "profile": given.get("profile") or backing.volume.profile}
    wanted = Wanted.of(asked, backing.storage, hosts)
    return Copy(wanted.name, wanted.size, wanted.profile, None, hosts, snapshot)


def _leave(host: Esx, store: Vmfs | None) -> None:
    if store is not None:
        vmfs.unmount(host, store)
        # Read anew: it is forgotten only where it is unmounted.
        now = vmfs.read(host.connection, [store.ref])
        for each in now:
            vmfs.forget(host, each)


def _targets(connection: Connection, store: Vmfs, chosen: Sequence[str]) -> list[Esx]:
    """The hosts that are named (or whose clusters are); without names those that reach the original."""
    if not chosen:
        return [each for each in hosts_at(connection, store.host_refs) if writes(store, each)]
    return named(connection, hosts_at(connection, hosts_beside(connection, store.ref)), chosen).hosts
