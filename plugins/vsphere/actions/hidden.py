"""Machines that whoever asks may not see, on a datastore or with a raw disk: what is done to these is done to them
too."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.errors import Forbidden
from ....core.journal.step import Run
from ..connection.soap import Connection, Who
from ..hosts import machines, raw_disks
from ..hosts.machines import Machine
from ..hosts.raw_disks import Guest
from ..hosts.reading import hosts_beside
from ..hosts.vmfs import Vmfs
from ..reasons import because
from ..vcenters.reach import Reach
from .desk import SECONDS, Seat
from .stage import Stage


def demand_seen(seat: Seat, store: Vmfs, seen: Sequence[Machine], *, running: bool = False) -> None:
    """Raises `Forbidden` when the service account sees machines on the datastore that a person does not; with
    `running` only those that run count. Asks over the vCenter's line: not to be called within `Seat.ask`."""
    if seat.session is not None:
        _compare(seat.reach, store, seen, running)


def demand_seen_still(run: Run, stage: Stage, store: Vmfs, seen: Sequence[Machine], *, running: bool = False) -> None:
    """The same in a step, for what a person's session saw."""
    if run.data.get("session"):
        _compare(stage.reaches.get(run.data["vcenter"]), store, seen, running)


def demand_alone(seat: Seat, guest: Guest, luns: Sequence[str]) -> None:
    """Raises `Forbidden` when the service account sees other machines with a disk on one of these, where a person saw
    none. Asks over the vCenter's line: not to be called within `Seat.ask`."""
    if seat.session is not None:
        _demand_no_other(seat.reach, guest, luns)


def demand_alone_still(run: Run, stage: Stage, guest: Guest, luns: Sequence[str]) -> None:
    """The same in a step, where a person's session saw none."""
    if run.data.get("session"):
        _demand_no_other(stage.reaches.get(run.data["vcenter"]), guest, luns)


def demand_readable(connection: Connection, store: Vmfs, seen: Sequence[Machine]) -> None:
    """Raises `Forbidden` when the session is told of machines on the datastore that it may not read."""
    known = {each.moid for each in seen}
    told = [each for each in connection.read(store.ref, "vm").get("vm") or [] if each._moId not in known]
    if told:
        raise because(Forbidden, "hidden-machines", name=store.name, count=len(told))


def _compare(reach: Reach, store: Vmfs, seen: Sequence[Machine], running: bool) -> None:
    def there(connection: Connection, who: Who) -> list[Machine]:
        return machines.machines_on(connection, connection.reference("Datastore", store.moid))

    known = {each.moid for each in seen}
    found = [each for each in reach.as_service(there, seconds=SECONDS) if each.runs or not running]
    hidden = [each for each in found if each.moid not in known]
    if hidden:
        raise because(Forbidden, "hidden-machines", name=store.name, count=len(hidden))


def _demand_no_other(reach: Reach, guest: Guest, luns: Sequence[str]) -> None:
    def there(connection: Connection, who: Who) -> list[str]:
        this = connection.reference("VirtualMachine", guest.ref._moId)
        host = connection.reference("HostSystem", guest.host._moId)
        return raw_disks.others_on(connection, hosts_beside(connection, host), this, luns)

    count = len(reach.as_service(there, seconds=SECONDS))
    if count:
        raise because(Forbidden, "raw-hidden", machine=guest.name, count=count)
