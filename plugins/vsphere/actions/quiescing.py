"""Machines on a datastore at rest while its volume is copied: each that runs gets a quiesced snapshot of its own, and
loses it again when the copy is there. Those of other people are never touched: ours bear the operation's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ....core.errors import Conflict, Failed, Forbidden, IsthmusError, NotFound, Refused
from ....core.journal.step import Cancelled, Run
from ..connection.faults import of_fault, text_of, translated
from ..connection.soap import Connection, Who
from ..connection.vmodl import vim, vmodl
from ..hosts import machines
from ..hosts.esx import hosts_at
from ..hosts.machines import Machine
from ..hosts.waiting import ended
from ..reasons import because
from .stage import Stage

VM, CRASH = "vm", "crash"
PRIVILEGES = (machines.CREATE, machines.REMOVE)
_AT_ONCE = 8
_DESCRIPTION = "Taken by Isthmus for a snapshot of the datastore; it goes again by itself."


def point_of(operation: str) -> str:
    """The name of the snapshots of machines that an operation makes."""
    return f"isthmus-{operation}"


def consistent(given: Mapping[str, Any]) -> bool:
    """Whether machines are to be at rest."""
    return bool(given.get("consistency", VM) == VM)


def running_on(connection: Connection, store: Any) -> list[Machine]:
    return [each for each in machines.machines_on(connection, store) if each.runs]


def demand_quiescible(connection: Connection, found: Sequence[Machine], given: Mapping[str, Any]) -> None:
    """Raises for machines that could not be put to rest, by their names."""
    hosts = {each.host._moId: each.host for each in found}
    for host in hosts_at(connection, list(hosts.values())):
        if not host.connected:
            raise because(Conflict, "host-offline", host=host.name)
    deaf = [each.name for each in found if not each.tools]
    if deaf and not given.get("without_quiesce"):
        raise because(Conflict, "vm-no-tools", machines=deaf)


def demand_on(connection: Connection, who: Who, found: Iterable[Machine], *privileges: str) -> None:
    """Raises `Forbidden`, naming what is missing on the first of the machines that it is missing on."""
    by_id = {each.moid: each for each in found}
    if not by_id:
        return
    with translated(connection.endpoint):
        manager = connection.content.authorizationManager
        granted = manager.HasPrivilegeOnEntities([each.ref for each in by_id.values()], who.key, list(privileges))
    for one in granted:
        missing = sorted(each.privId for each in one.privAvailability if not each.isGranted)
        if missing:
            name = by_id[one.entity._moId].name
            raise because(Forbidden, "privilege", privileges=", ".join(missing), entity=name)


def alive(run: Run) -> Callable[[], None]:
    """For what is waited for: says that the step goes on, and ends it when it was cancelled."""

    def beat() -> None:
        if run.cancelled():
            raise Cancelled()
        run.progress(run.operation.progress, run.operation.note)

    return beat


class Quiescing:
    """Steps that the flows which copy a volume share. Data: datastore, machines, unquiesced; input: consistency,
    without_quiesce."""

    _stage: Stage

    def copies(self, run: Run) -> bool:
        """Whether this flow copies the volume as it is now."""
        return True

    def quiesce(self, run: Run) -> None:
        """Each machine that runs has its snapshot; all of them, or the step fails and names those that have none."""
        if not (self.copies(run) and consistent(run.data["input"])):
            return
        loose = bool(run.data["input"].get("without_quiesce"))
        with self._stage.vcenter(run) as connection:
            found = self._at_work(run, connection)
            ready = [each for each in found if each.runs]
            demand_quiescible(connection, ready, run.data["input"])
            run.data["machines"] = [each.moid for each in found]
            failed = self._take(run, connection, ready, quiesce=True)
            again = [each for each in ready if each.moid in failed and loose and _restless(failed[each.moid])]
            failed = {moid: fault for moid, fault in failed.items() if moid not in [each.moid for each in again]}
            failed |= self._take(run, connection, again, quiesce=False)
            if failed:
                raise _told(connection, ready, failed)
            run.data["unquiesced"] = self._demand_points(run, connection, ready)

    def release(self, run: Run) -> None:
        """No machine has a snapshot of this operation any more, nor disks that it left to be consolidated. Machines
        that it put to no rest are let be, however their disks are: somebody else may be at work with them."""
        if not (self.copies(run) and consistent(run.data["input"])):
            return
        errors, name, ours = [], point_of(run.operation.id), run.data.get("machines", ())
        with self._stage.vcenter(run) as connection:
            for each in self._at_work(run, connection):
                try:
                    machines.remove_snapshots(connection, each, name, alive(run), merge=each.moid in ours)
                except IsthmusError as error:
                    errors.append(error)
        if errors:
            raise errors[0]

    def demand_released(self, run: Run, connection: Connection) -> None:
        """Raises unless nothing of this operation is left on any machine."""
        refs = [connection.reference("VirtualMachine", moid) for moid in run.data.get("machines", ())]
        for each in machines.machines_at(connection, refs):
            if each.unmerged or each.named(point_of(run.operation.id)):
                raise because(Failed, "vm-snapshot-left", machine=each.name, snapshot=point_of(run.operation.id))

    def _at_work(self, run: Run, connection: Connection) -> list[Machine]:
        """Those that run on the datastore, and those that this operation has to do with already."""
        name = point_of(run.operation.id)
        known = [connection.reference("VirtualMachine", moid) for moid in run.data.get("machines", ())]
        found = {each.moid: each for each in machines.machines_at(connection, known)}
        with suppress(NotFound):
            here = machines.machines_on(connection, connection.reference("Datastore", run.data["datastore"]))
            found |= {each.moid: each for each in here if each.runs or each.named(name)}
        return sorted(found.values(), key=lambda machine: machine.name)

    def _take(self, run: Run, connection: Connection, wanted: Sequence[Machine], *, quiesce: bool) -> dict[str, Any]:
        """The faults of those that failed, by the machines' ids."""
        name, beat = point_of(run.operation.id), alive(run)
        failed: dict[str, Any] = {}
        for at in range(0, len(wanted), _AT_ONCE):
            begun: list[tuple[Machine, Any]] = []
            for each in wanted[at : at + _AT_ONCE]:
                now = machines.settled(connection, each, beat)
                if now is not None and not now.named(name):
                    with translated(connection.endpoint), _noted(each, failed):
                        begun.append((each, machines.begin_snapshot(each, name, _DESCRIPTION, quiesce=quiesce)))
            for each, task in begun:
                with translated(connection.endpoint), _noted(each, failed):
                    ended(connection, task, beat)
        return failed

    def _demand_points(self, run: Run, connection: Connection, ready: Sequence[Machine]) -> list[str]:
        """Raises when a snapshot is not there; the names of those that were not quiesced."""
        name, loose = point_of(run.operation.id), []
        for each in machines.machines_at(connection, [each.ref for each in ready]):
            points = each.named(name)
            if not points:
                raise because(Failed, "vm-snapshot", machines=each.name)
            if not points[-1].quiesced:
                loose.append(each.name)
        if loose and not run.data["input"].get("without_quiesce"):
            raise because(Refused, "vm-unquiesced", machines=loose)
        return loose


@contextmanager
def _noted(machine: Machine, failed: dict[str, Any]) -> Iterator[None]:
    try:
        yield
    except vmodl.MethodFault as fault:
        failed[machine.moid] = fault


def _restless(fault: Any) -> bool:
    return isinstance(fault, (vim.fault.FilesystemQuiesceFault, vim.fault.ApplicationQuiesceFault))


def _told(connection: Connection, ready: Sequence[Machine], failed: Mapping[str, Any]) -> IsthmusError:
    """What is no fault of a machine first: the session, and that something else is at work with one, which passes."""
    for fault in failed.values():
        if isinstance(fault, (vim.fault.NoPermission, vim.fault.TaskInProgress)):
            return of_fault(fault, connection.endpoint.address)
    names = {each.moid: each.name for each in ready}
    listed = [f"{names[moid]}: {text_of(fault).removesuffix('.')}" for moid, fault in failed.items()]
    quiet = all(_restless(fault) for fault in failed.values())
    return because(Refused, "vm-unquiesced" if quiet else "vm-snapshot", machines=listed)
