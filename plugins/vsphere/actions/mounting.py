"""What `mount` and `unmount` share: the datastore, its volume, and the hosts that are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict
from ....core.journal.step import Run
from ....core.model.attachment import Attachment
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.esx import Esx, hosts_at
from ..hosts.named import named
from ..hosts.reading import hosts_beside
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .backing import Backing, backing_of, targets_of
from .choosing import host_choices
from .desk import Desk, Seat
from .provision import HOST_PRIVILEGE
from .stage import Stage, everything


@dataclass(frozen=True, slots=True)
class Meant:
    """A datastore, its volume, all hosts of its datacenter and those of them that are meant."""

    store: Vmfs
    backing: Backing
    all: list[Esx]
    hosts: list[Esx]


class Mounting:
    """Base of both. Data: system, volume, identifier, hosts, targets, datastore."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, datastore, volume; with an input also the hosts, without one whether there is any."""
        meant = self._asked(call)
        if not call.input:
            self.demand_any(meant)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """On which hosts."""
        meant = self._asked(call)
        return {
            "datastore": {"id": meant.store.moid, "name": meant.store.name},
            "volume": {"id": meant.backing.volume.id, "name": meant.backing.volume.name},
            "hosts": [{"id": each.moid, "name": each.name} for each in meant.hosts],
        }

    def hosts_choices(self, call: Call) -> Sequence[Choice]:
        """The hosts that it could be done to."""
        meant = self._asked(replace(call, input={}))
        return host_choices(each for each in meant.all if self.fits(meant.store, each))

    def fits(self, store: Vmfs, host: Esx) -> bool:
        """Whether there is something to do on the host."""
        raise NotImplementedError

    def examine(self, run: Run) -> None:
        """Whether it can be done, once more; and how it stands, for the way back."""
        with self._stage.vcenter(run) as connection:
            meant = self._meant(connection, self._stage.subject(run, connection), run.context, run.data["input"])
            iqns = {each.moid: str(each.adapter().iScsiName) for each in meant.hosts}
        storage = meant.backing.storage
        run.data["system"] = meant.backing.system
        run.data["volume"], run.data["identifier"] = meant.backing.volume.id, meant.backing.volume.identifier
        run.data["datastore"], run.data["hosts"] = meant.store.moid, [each.moid for each in meant.hosts]
        run.data["iqns"] = iqns
        attached = meant.backing.attachments()
        names = {
            initiator.name: each.host for each in attached for initiator in storage.hosts.get(each.host).initiators
        }
        run.data["targets"] = targets_of(attached)
        run.data["before"] = {
            each.moid: {
                "attached": iqns[each.moid] in names,
                "mounted": (seen := meant.store.seen_by(each)) is not None and seen.mounted,
            }
            for each in meant.hosts
        }

    def demand(self, meant: Meant) -> None:
        """Raises when it cannot be done to these hosts."""
        raise NotImplementedError

    def demand_any(self, meant: Meant) -> None:
        """Raises when it can be done to no host at all."""
        raise NotImplementedError

    def _store(self, run: Run, connection: Connection) -> Vmfs:
        return vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))

    def _attachment(self, run: Run, moid: str) -> Attachment | None:
        """The volume's attachment to a host of the vCenter."""
        storage = self._stage.storage(run)
        for each in everything(storage.attachments.list, volume=run.data["volume"]):
            if any(name.name == run.data["iqns"][moid] for name in storage.hosts.get(each.host).initiators):
                found: Attachment = each
                return found
        return None

    def _asked(self, call: Call) -> Meant:
        seat = self._desk.seat(call)
        return seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Meant:
        meant = self._meant(connection, connection.reference(seat.target.kind, seat.target.moid), seat.context, given)
        for host in meant.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        return meant

    def _meant(self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]) -> Meant:
        store = vmfs.demand(connection, subject)
        backing = backing_of(self._stage.systems(), context, store)
        hosts = hosts_at(connection, hosts_beside(connection, subject))
        chosen = given.get("hosts", ())
        found = named(connection, hosts, chosen)
        # Of a cluster those are meant on which there is something to do; who is named is told when there is nothing.
        fitting = [each for each in found.hosts if each.moid not in found.by_cluster or self.fits(store, each)]
        meant = Meant(store, backing, hosts, fitting or found.hosts)
        for host in meant.hosts:
            if not host.connected:
                raise because(Conflict, "host-offline", host=host.name)
        if given:
            self.demand(meant)
        return meant
