"""`apply-host-settings`: settings of hosts that differ from the rules are put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Failed, Invalid
from ....core.journal.step import Run
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts.esx import Esx
from ..hosts.named import demand_connected
from ..reasons import because
from ..settings.change import Change
from ..settings.findings import Difference, findings
from ..settings.host_state import HostState, states
from ..settings.kinds import KINDS
from ..settings.our_disks import OurDisks
from ..settings.rule import shown
from ..settings.rulebook import rules
from .choosing import host_choices
from .desk import Desk, Seat
from .stage import Stage, each_host, hosts_of


class ApplyHostSettings:
    """Checks, plans and does it. Data: hosts, changes. A host is never restarted."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Hosts; with an input also what would be changed, and the privileges that this needs."""
        seat = self._desk.seat(call)
        if "rules" in call.input:
            self._asked(seat, call.input)
        else:
            seat.ask(lambda connection, who: self._hosts(connection, self._subject(seat, connection), call.input))

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What would be changed, from what to what."""
        found = self._asked(self._desk.seat(call), call.input)
        return {
            "changes": [
                {
                    "rule": each.rule.id,
                    "host": {"id": each.host.moid, "name": each.host.name},
                    "device": each.device or None,
                    "setting": each.rule.name,
                    "severity": each.rule.severity,
                    "found": shown(each.found),
                    "becomes": shown(each.target),
                    "reboot": each.rule.reboot,
                }
                for each in found
            ],
            "restart": sorted({each.host.name for each in found if each.rule.reboot}),
        }

    def rules_choices(self, call: Call) -> Sequence[Choice]:
        """The rules that something differs from, and what."""
        seat = self._desk.seat(call)
        given = {**call.input, "rules": []}
        found = seat.ask(lambda to, who: self._found(to, self._subject(seat, to), seat.context, given))
        choices: dict[str, Choice] = {}
        for each in found:
            details = {"setting": each.rule.name, "found": shown(each.found), "wanted": str(each.rule.want)}
            choices.setdefault(each.rule.id, Choice(each.rule.id, each.title(), details))
        return list(choices.values())

    def hosts_choices(self, call: Call) -> Sequence[Choice]:
        """The hosts there are."""
        seat = self._desk.seat(call)
        return host_choices(seat.ask(lambda connection, who: hosts_of(connection, self._subject(seat, connection), ())))

    def examine(self, run: Run) -> None:
        """What is to be changed, and how it is now."""
        with self._stage.vcenter(run) as connection:
            subject = self._stage.subject(run, connection)
            found = self._found(connection, subject, run.context, run.data["input"])
        run.data["changes"] = [change.to_json() for each in found if (change := Change.of(each)) is not None]
        run.data["hosts"] = list(dict.fromkeys(each.host.moid for each in found))

    def apply(self, run: Run) -> None:
        """Host by host, one setting after the other."""
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection)
            for host in hosts:
                host.demand_connected()
            for state in states(connection, hosts):
                for change in self._changes(run, state.esx):
                    change.make(state)
                run.progress(run.operation.progress, state.esx.name)

    def restore(self, run: Run) -> None:
        """Everything as it was."""

        def work(host: Esx) -> None:
            for state in states(host.connection, [host]):
                for change in reversed(self._changes(run, host)):
                    change.take_back(state)

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def read_back(self, run: Run) -> None:
        """Every setting is what was wanted; what counts only after a restart is told."""
        with self._stage.vcenter(run) as connection:
            hosts = self._stage.hosts(run, connection)
            for host in hosts:
                host.demand_connected()
            read = states(connection, hosts)
        for state in read:
            for change in self._changes(run, state.esx):
                self._demand(state, change)
        changes = [Change.from_json(each) for each in run.data["changes"]]
        names = {each.moid: each.name for each in hosts}
        run.result["changed"] = run.data["changes"]
        run.result["restart"] = sorted({names[each.host] for each in changes if each.reboot})

    def _demand(self, state: HostState, change: Change) -> None:
        now = change.now(state)
        if now != change.target:
            raise because(
                Failed,
                "setting-differs",
                host=state.esx.name,
                setting=change.name,
                found=shown(now),
                wanted=shown(change.target),
            )

    def _changes(self, run: Run, host: Esx) -> list[Change]:
        return [Change.from_json(each) for each in run.data["changes"] if each["host"] == host.moid]

    def _subject(self, seat: Seat, connection: Connection) -> Any:
        return connection.reference(seat.target.kind, seat.target.moid)

    def _hosts(self, connection: Connection, subject: Any, given: Mapping[str, Any]) -> list[Esx]:
        chosen = given.get("hosts", ())
        hosts = hosts_of(connection, subject, chosen)
        demand_connected(hosts, chosen)
        return hosts

    def _found(
        self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]
    ) -> list[Difference]:
        """What differs and can be mended, of the chosen rules."""
        hosts = self._hosts(connection, subject, given)
        counting = rules(self._stage.settings.get("host_rules", {}))
        chosen = given["rules"]
        for name in chosen:
            if not any(each.id == name for each in counting):
                raise because(Invalid, "no-rule", rule=name)
        wanted = [each for each in counting if not chosen or each.id in chosen]
        found = findings(connection, hosts, wanted, OurDisks(self._stage.systems(), context))
        return [each for each in found if each.target is not None]

    def _asked(self, seat: Seat, given: Mapping[str, Any]) -> list[Difference]:
        def work(connection: Connection, who: Who) -> list[Difference]:
            found = self._found(connection, self._subject(seat, connection), seat.context, given)
            if not found:
                raise because(Conflict, "settings-right")
            for host in {each.host.moid: each.host for each in found}.values():
                needed = {KINDS[each.rule.kind].privilege for each in found if each.host.moid == host.moid}
                seat.demand(connection, who, host.ref, *sorted(needed))
            return found

        return seat.ask(work)
