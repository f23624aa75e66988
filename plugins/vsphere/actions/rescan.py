"""`rescan`: hosts look for disks and file systems on all their adapters, and what came and went is told of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Conflict, Failed, IsthmusError
from ....core.journal.step import Cancelled, Run
from ....plugin_manager.action import Call
from ..connection.soap import Connection, Who
from ..hosts.esx import Esx, hosts_at
from ..hosts.sight import Sight
from ..reasons import because, cause
from .desk import Desk, Seat
from .outcome import leave
from .provision import HOST_PRIVILEGE
from .stage import Stage, hosts_of

OFFLINE = "host-offline"


class Rescan:
    """Checks, plans and does it. Data: hosts, names, before, wrong (error documents by host)."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, and a host that is connected."""
        self._asked(call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """Which hosts would look, and which cannot."""
        hosts = self._asked(call)
        return {"hosts": [{"id": each.moid, "name": each.name, "connected": each.connected} for each in hosts]}

    def note(self, run: Run) -> None:
        """What each host sees before."""
        with self._stage.vcenter(run) as connection:
            hosts = hosts_of(connection, self._stage.subject(run, connection), ())
            _demand_some(hosts)
            run.data["hosts"] = [each.moid for each in hosts]
            run.data["names"] = {each.moid: each.name for each in hosts}
            run.data["before"] = {each.moid: Sight.of(each).to_json() for each in hosts if each.connected}

    def scan(self, run: Run) -> None:
        """One host after the other; what one cannot does not keep the next from looking."""
        wrong: dict[str, Any] = {}
        with self._stage.vcenter(run) as connection:
            for number, moid in enumerate(run.data["hosts"]):
                if run.cancelled():
                    raise Cancelled()
                run.progress(number / len(run.data["hosts"]), run.data["names"][moid])
                try:
                    _scan(self._host(run, connection, moid))
                except IsthmusError as error:
                    wrong[moid] = error.to_json()
        run.data["wrong"] = wrong

    def keep(self, run: Run) -> None:
        """What hosts have found they keep, and that is told."""
        leave(run, "left.rescan")

    def compare(self, run: Run) -> None:
        """What each host sees now, and what came and went."""
        found = []
        with self._stage.vcenter(run) as connection:
            for moid in run.data["hosts"]:
                entry: dict[str, Any] = {"id": moid, "name": run.data["names"][moid]}
                error = run.data["wrong"].get(moid)
                if error is not None:
                    entry["state"] = "offline" if _reason(error) == OFFLINE else "failed"
                    entry["error"] = {key: error.get(key) for key in ("message", "next_step")}
                else:
                    before = run.data["before"].get(moid, {"disks": (), "datastores": ()})
                    now = Sight.of(self._host(run, connection, moid))
                    entry |= {"state": "scanned", **now.since(Sight.from_json(before))}
                found.append(entry)
        run.result["hosts"] = found

    def judge(self, run: Run) -> None:
        """A host that is offline is named in the result; one that is not, and refused, is a failure. So is it when none
        could look."""
        wrong: Mapping[str, Any] = run.data["wrong"]
        refused = {moid: error for moid, error in wrong.items() if _reason(error) != OFFLINE}
        if not refused and len(wrong) < len(run.data["hosts"]):
            return
        told = refused or wrong
        names = ", ".join(run.data["names"][moid] for moid in told)
        raise because(Failed, "scan-failed", hosts=names, said=cause(next(iter(told.values()))))

    def _host(self, run: Run, connection: Connection, moid: str) -> Esx:
        found = hosts_at(connection, [connection.reference("HostSystem", moid)])
        if not found:
            raise because(Failed, "host-gone")
        return found[0]

    def _asked(self, call: Call) -> list[Esx]:
        seat = self._desk.seat(call)
        return seat.ask(lambda connection, who: self._allowed(seat, connection, who))

    def _allowed(self, seat: Seat, connection: Connection, who: Who) -> list[Esx]:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        hosts = hosts_of(connection, subject, ())
        _demand_some(hosts)
        seat.demand(connection, who, subject, HOST_PRIVILEGE)
        return hosts


def _demand_some(hosts: list[Esx]) -> None:
    """Raises unless a host is there that can look."""
    if not hosts:
        raise because(Conflict, "no-hosts")
    if not any(each.connected for each in hosts):
        raise because(Conflict, OFFLINE, host=", ".join(each.name for each in hosts))


def _scan(host: Esx) -> None:
    """On all adapters, for disks and then for file systems."""
    host.demand_connected()
    with host.at():
        host.storage.RescanAllHba()
        host.storage.RescanVmfs()


def _reason(error: Mapping[str, Any]) -> str:
    return str((error.get("details") or {}).get("reason", ""))
