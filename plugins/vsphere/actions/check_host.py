"""`check-host`: settings of hosts that differ from the rules, each with the reason why it matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Conflict
from ....plugin_manager.action import Call
from ..connection.soap import Connection
from ..reasons import because
from ..settings.findings import differences
from ..settings.host_state import states
from ..settings.our_disks import OurDisks
from ..settings.rulebook import rules
from .desk import Desk, Seat
from .stage import Stage, hosts_of


class CheckHost:
    """Reads and tells; changes nothing."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """There is a host."""
        seat = self._desk.seat(call)
        subject = seat.target
        if not seat.ask(lambda to, who: hosts_of(to, to.reference(subject.kind, subject.moid), ())):
            raise because(Conflict, "no-hosts")

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What it does is harmless."""
        return self.run(call)

    def run(self, call: Call) -> Mapping[str, Any]:
        """Findings, the hosts that were asked, and the storage systems that did not answer (their disks were left
        out)."""
        seat = self._desk.seat(call)
        return seat.ask(lambda connection, who: self._told(seat, connection))

    def _told(self, seat: Seat, connection: Connection) -> Mapping[str, Any]:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        hosts = hosts_of(connection, subject, ())
        ours = OurDisks(self._stage.systems(), seat.context)
        chosen = rules(self._stage.settings.get("host_rules", {}))
        found = states(connection, hosts)
        by_host = {each.esx.moid: each for each in found}
        return {
            "findings": [each.to_json() for state in found for each in differences(state, chosen, ours(state.disks))],
            "hosts": [
                {
                    "id": each.moid,
                    "name": each.name,
                    "connected": each.connected,
                    "restart_pending": by_host[each.moid].restart if each.moid in by_host else None,
                }
                for each in hosts
            ],
            "silent": sorted(ours.silent),
        }
