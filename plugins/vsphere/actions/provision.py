"""`provision`: a VMFS datastore on a new volume, on a host or on the hosts of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import Conflict, Failed, Refused
from ....core.journal.step import Run, Wait
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.esx import Esx
from ..hosts.reading import datastore_folder
from ..hosts.vmfs import Vmfs
from ..policies.new_store import tag_new_store
from ..reasons import because
from .choosing import host_choices, pool_choices, profile_choices, system_choices
from .desk import Desk, Seat
from .exposure import Exposing
from .new_volume import NewVolume
from .stage import Stage, each_host, hosts_of, visited
from .wanted import Wanted, demand_free_name, demand_hosts, demand_system

HOST_PRIVILEGE = "Host.Config.Storage"
SLACK = 64 << 20
"""What a file system may be smaller than its volume: partition table, alignment and whole blocks (bytes)."""


class Provision(Exposing, NewVolume):
    """Checks, plans and does it. Data: system, hosts, volume, identifier, targets, datastore."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, hosts, adapters; with an input also name, system, profile and pool."""
        seat = self._desk.seat(call)
        hosts = seat.ask(lambda connection, who: self._ready(seat, connection, who, call.input))
        if call.input:
            self._wanted(seat, call.input, len(hosts))

    def plan(self, call: Call) -> Mapping[str, Any]:
        """Where the volume would be, which hosts would get it, and the steps."""
        seat = self._desk.seat(call)
        hosts = seat.ask(lambda connection, who: self._ready(seat, connection, who, call.input))
        wanted, storage = self._wanted(seat, call.input, len(hosts)), self._storage(seat, call.input)
        placed = storage.volumes.create(wanted.request("plan"), dry_run=True).plan or {}
        return {
            "datastore": {"name": wanted.name, "type": "VMFS", "size": wanted.size},
            "volume": dict(placed),
            "system": call.input["system"],
            "profile": wanted.profile.name,
            "provisioning": "thin" if wanted.thin else "thick",
            "hosts": [{"id": each.moid, "name": each.name} for each in hosts],
        }

    def system_choices(self, call: Call) -> Sequence[Choice]:
        return system_choices(self._stage.systems(), call.context)

    def profile_choices(self, call: Call) -> Sequence[Choice]:
        return profile_choices(self._stage.systems(), call)

    def pool_choices(self, call: Call) -> Sequence[Choice]:
        return pool_choices(self._stage.systems(), call)

    def hosts_choices(self, call: Call) -> Sequence[Choice]:
        """The hosts of the cluster."""
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> Sequence[Choice]:
            return host_choices(hosts_of(connection, connection.reference(seat.target.kind, seat.target.moid), ()))

        return seat.ask(found)

    def volume(self, run: Run) -> Wait | None:
        """A new volume, in the pool and of the profile that were asked for."""
        given = run.data["input"]
        with self._stage.vcenter(run) as connection:
            hosts = hosts_of(connection, self._stage.subject(run, connection), given.get("hosts", ()))
            demand_hosts(hosts, given.get("hosts", ()))
            demand_free_name(connection, hosts[0], given["name"])
        made = self._make(run, Wanted.of(given, self._stage.storage(run), len(hosts)))
        if isinstance(made, Wait):
            return made
        run.data["hosts"] = [each.moid for each in hosts]
        run.data["volume"] = run.result["volume"] = made.id
        run.data["identifier"] = run.result["identifier"] = made.identifier
        return None

    def scan(self, run: Run) -> None:
        """Every host sees the disk, and it is blank: what is found on it from now on was made after this."""
        super().scan(run)
        with self._stage.vcenter(run) as connection:
            vmfs.demand_blank(self._stage.hosts(run, connection)[0], run.data["identifier"])

    def format(self, run: Run) -> None:
        """The first host makes the file system; one of this name is from an earlier try, any other is somebody's."""
        with self._stage.vcenter(run) as connection:
            first = self._stage.hosts(run, connection)[0]
            store = vmfs.on_disk(first, run.data["identifier"])
            if store is not None and not _made_by(run, store):
                raise because(Refused, "formatted", disk=run.data["identifier"])
            ref = store.ref if store else vmfs.create(first, run.data["identifier"], run.data["input"]["name"])
        run.data["datastore"] = run.result["datastore"] = str(ref._moId)

    def unformat(self, run: Run) -> None:
        """What `format` made goes, and nothing else; nobody uses it yet."""
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection, gone_ok=True)
            if not hosts:
                return
            # What a host made whose answer was lost shows itself in a scan.
            each_host(visited(run, hosts[:1]), lambda host: host.scan())
            store = vmfs.on_disk(hosts[0], run.data["identifier"])
            if store is not None and _made_by(run, store):
                vmfs.destroy(connection, store)

    def no_targets(self, run: Run) -> None:
        """Not from beneath a datastore that somebody else made on the disk: what becomes of it, and of the volume, a
        person decides."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.hosts(run, connection, gone_ok=True)[:1]:
                store = vmfs.on_disk(host, run.data["identifier"])
                if store is not None:
                    raise because(Conflict, "made-by-others", name=store.name, disk=run.data["identifier"])
        super().no_targets(run)

    def mount(self, run: Run) -> None:
        """The other hosts find the file system."""
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection)
            for host in visited(run, hosts):
                host.demand_connected()
                host.scan()
            store = vmfs.on_disk(hosts[0], run.data["identifier"])
            if store is not None:
                for host in hosts:
                    vmfs.mount(host, store)

    def read_back(self, run: Run) -> None:
        """Accessible on every host, on this disk, of this size, under this name; the volume as it was promised."""
        volume = self._stage.storage(run).volumes.get(run.data["volume"])
        with self._stage.vcenter(run) as connection:
            store = vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))
            for host in self._stage.visit(run, connection):
                seen = store.seen_by(host)
                if seen is None or not seen.mounted or not seen.accessible:
                    raise because(Failed, "not-accessible", name=store.name, host=host.name)
        if store.disks != (volume.identifier,) or store.name != run.data["input"]["name"]:
            raise because(Failed, "differs", name=store.name)
        if store.capacity < volume.size - SLACK:
            raise because(Failed, "smaller", name=store.name, size=store.capacity, wanted=volume.size)
        run.result["capacity"] = store.capacity
        tag_new_store(self._stage, run, store.moid)

    def _ready(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> list[Esx]:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        hosts = hosts_of(connection, subject, given.get("hosts", ()))
        demand_hosts(hosts, given.get("hosts", ()), adapters=bool(given))
        seat.demand(connection, who, subject, HOST_PRIVILEGE)
        # What was made must be taken back when a later step fails.
        folder = datastore_folder(connection, subject)
        if folder is not None:
            seat.demand(connection, who, folder, vmfs.DESTROY)
        if given:
            demand_free_name(connection, hosts[0], given["name"])
        return hosts

    def _storage(self, seat: Seat, given: Mapping[str, Any]) -> Any:
        return self._stage.systems()[given["system"]].storage(seat.context)

    def _wanted(self, seat: Seat, given: Mapping[str, Any], hosts: int) -> Wanted:
        demand_system(self._stage.systems(), given["system"])
        return Wanted.of(given, self._storage(seat, given), hosts)


def _made_by(run: Run, store: Vmfs) -> bool:
    """Whether a datastore on the volume, which was blank before, is of this operation: by its id, or by its name where
    the answer to making it was lost."""
    return run.data.get("datastore") == store.moid or run.data["input"]["name"] == store.name
