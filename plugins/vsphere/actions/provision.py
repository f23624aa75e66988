"""`provision`: a VMFS datastore on a new volume, on a host or on the hosts of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ....core.errors import Conflict, Failed, InUse, NotFound, Refused
from ....core.journal.step import Run, Wait
from ....core.model.attachment import Attachment
from ....core.model.host import Host, Initiator
from ....core.model.request import AttachmentRequest, HostRequest
from ....core.model.volume import Volume
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.esx import Esx
from .choosing import host_choices, pool_choices, profile_choices, system_choices
from .desk import Desk, Seat
from .reasons import because
from .stage import Stage, each_host, everything, hosts_of
from .wanted import MARK, Wanted, demand_free_name, demand_hosts, demand_system

HOST_PRIVILEGE = "Host.Config.Storage"
SLACK = 64 << 20
"""What a file system may be smaller than its volume: partition table, alignment and whole blocks (bytes)."""


class Provision:
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
        placed = storage.volumes.create(wanted.request(storage, "plan"), dry_run=True).plan or {}
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
        run.data["system"] = given["system"]
        with self._stage.vcenter(run) as connection:
            hosts = hosts_of(connection, self._stage.subject(run, connection), given.get("hosts", ()))
            demand_hosts(hosts, given.get("hosts", ()))
            demand_free_name(connection, hosts[0], given["name"])
        storage = self._stage.storage(run)
        wanted = Wanted.of(given, storage, len(hosts))
        # A try before this one may have made it: what is asked then is not asked again.
        made = self._made(run)
        if made is None:
            request = wanted.request(storage, run.operation.id)
            found = self._stage.ended(run, storage, storage.volumes.create(request, key=run.key))
            if isinstance(found, Wait):
                return found
            made = storage.volumes.get(str(found.result["volume"]))
        if made.operation is not None and made.state != "available":
            return self._still(run, made)
        if wanted.pool is not None and made.pool != wanted.pool.id:
            raise because(Refused, "other-pool", pool=wanted.pool.name)
        if made.profile != wanted.profile.id or made.size < wanted.size or not made.identifier:
            raise because(Failed, "volume-differs", name=made.name)
        run.data["hosts"] = [each.moid for each in hosts]
        run.data["volume"] = run.result["volume"] = made.id
        run.data["identifier"] = run.result["identifier"] = made.identifier
        return None

    def no_volume(self, run: Run) -> Wait | None:
        run.data["system"] = run.data["input"]["system"]
        made = self._made(run)
        if made is None:
            return None
        storage = self._stage.storage(run)
        try:
            found = self._stage.ended(run, storage, storage.volumes.delete(made.id, key=run.key))
        except NotFound:
            return None
        return found if isinstance(found, Wait) else None

    def attach(self, run: Run) -> Wait | None:
        """The hosts are known to the storage, and each has the volume."""
        storage, children = self._stage.storage(run), []
        with self._stage.vcenter(run) as connection:
            names = [(each.name, str(each.adapter().iScsiName)) for each in self._stage.hosts(run, connection)]
        attached = {each.host for each in self._attachments(run) if each.state == "attached"}
        for name, iqn in names:
            host = self._ensured(run, name, iqn)
            if host.id not in attached:
                request = AttachmentRequest(run.data["volume"], host.id)
                children.append(storage.attachments.create(request, key=f"{run.key}/{host.id}"))
        waiting = self._stage.all_ended(run, storage, children)
        if waiting is None:
            run.data["targets"] = sorted({str(each.connection["iqn"]) for each in self._attachments(run)})
        return waiting

    def detach(self, run: Run) -> Wait | None:
        storage = self._stage.storage(run)
        children = []
        for each in self._attachments(run):
            with suppress(NotFound):
                children.append(storage.attachments.delete(each.id, key=f"{run.key}/{each.id}"))
        waiting = self._stage.all_ended(run, storage, children)
        if waiting is None:
            self._forget_hosts(run)
        return waiting

    def targets(self, run: Run) -> None:
        """Each host is to log in to its target, with the secret of its own attachment."""
        storage = self._stage.storage(run)
        by_host = {each.host: each for each in self._attachments(run)}
        with self._stage.vcenter(run) as connection:
            for host in self._stage.hosts(run, connection):
                known = self._ensured(run, host.name, str(host.adapter().iScsiName))
                host.add_target(storage.attachments.connection(by_host[known.id].id))

    def no_targets(self, run: Run) -> None:
        identifier = str(run.data["identifier"])

        def work(host: Esx) -> None:
            held = host.disk(identifier) is not None
            for iqn in run.data["targets"]:
                held = held or host.has_target(iqn)
                host.remove_target(iqn, identifier)
            if held:
                host.scan()

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.hosts(run, connection), work)

    def scan(self, run: Run) -> None:
        """Every host sees the disk, by the name that the storage gave it."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.hosts(run, connection):
                host.demand_connected()
                host.scan()
                if host.disk(run.data["identifier"]) is None:
                    raise because(Refused, "no-disk", host=host.name, disk=run.data["identifier"])

    def format(self, run: Run) -> None:
        """The first host makes the file system; one that is there from an earlier try is ours."""
        with self._stage.vcenter(run) as connection:
            first = self._stage.hosts(run, connection)[0]
            store = vmfs.on_disk(first, run.data["identifier"])
            ref = store.ref if store else vmfs.create(first, run.data["identifier"], run.data["input"]["name"])
        run.data["datastore"] = run.result["datastore"] = str(ref._moId)

    def unformat(self, run: Run) -> None:
        """Nobody uses it yet, and nothing but this flow makes a file system on this volume."""
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection)
            # What a host made whose answer was lost shows itself in a scan.
            each_host(hosts[:1], lambda host: host.scan())
            store = vmfs.on_disk(hosts[0], run.data["identifier"])
            if store is not None:
                vmfs.destroy(connection, store)

    def mount(self, run: Run) -> None:
        """The other hosts find the file system."""
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection)
            for host in hosts:
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
            for host in self._stage.hosts(run, connection):
                seen = store.seen_by(host)
                if seen is None or not seen.mounted or not seen.accessible:
                    raise because(Failed, "not-accessible", name=store.name, host=host.name)
        if store.disks != (volume.identifier,) or store.name != run.data["input"]["name"]:
            raise because(Failed, "differs", name=store.name)
        if store.capacity < volume.size - SLACK:
            raise because(Failed, "smaller", name=store.name, size=store.capacity, wanted=volume.size)
        run.result["capacity"] = store.capacity

    def _ready(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> list[Esx]:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        hosts = hosts_of(connection, subject, given.get("hosts", ()))
        demand_hosts(hosts, given.get("hosts", ()))
        seat.demand(connection, who, subject, HOST_PRIVILEGE)
        if given:
            demand_free_name(connection, hosts[0], given["name"])
        return hosts

    def _storage(self, seat: Seat, given: Mapping[str, Any]) -> Any:
        return self._stage.systems()[given["system"]].storage(seat.context)

    def _wanted(self, seat: Seat, given: Mapping[str, Any], hosts: int) -> Wanted:
        demand_system(self._stage.systems(), given["system"])
        return Wanted.of(given, self._storage(seat, given), hosts)

    def _made(self, run: Run) -> Volume | None:
        """The volume of this operation, whether the journal knows of it or not."""
        listed = everything(self._stage.storage(run).volumes.list, name=run.data["input"]["name"])
        return next((each for each in listed if each.metadata.get(MARK) == run.operation.id), None)

    def _still(self, run: Run, made: Volume) -> Wait | None:
        storage = self._stage.storage(run)
        found = self._stage.ended(run, storage, storage.operations.get(str(made.operation)))
        if isinstance(found, Wait):
            return found
        raise because(Failed, "volume-differs", name=made.name)

    def _attachments(self, run: Run) -> list[Attachment]:
        return list(everything(self._stage.storage(run).attachments.list, volume=run.data["volume"]))

    def _ensured(self, run: Run, name: str, iqn: str) -> Host:
        request = HostRequest(name, (Initiator("iscsi", iqn),), os_type="esxi", metadata={MARK: run.operation.id})
        try:
            return self._stage.steward(run).hosts.ensure(request)
        except Conflict as error:
            raise because(Refused, "initiator-taken", host=name, iqn=iqn, said=error.message) from None

    def _forget_hosts(self, run: Run) -> None:
        """Those that this operation made known, unless they have something else by now."""
        hosts = self._stage.steward(run).hosts
        for each in list(everything(hosts.list)):
            if each.metadata.get(MARK) == run.operation.id:
                with suppress(InUse, NotFound):
                    hosts.delete(each.id)
