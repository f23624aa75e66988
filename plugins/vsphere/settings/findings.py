"""What differs on hosts from the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..connection.soap import Connection
from ..hosts.esx import Esx
from ..reasons import texts
from .host_state import HostState, states
from .kinds import KINDS
from .rule import Rule, Value, shown
from .rulebook import shipped

Ours = Callable[[Iterable[str]], frozenset[str]]
"""Of the names of disks those that are volumes of a storage system here."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting of a host that is not as a rule wants it. `device` is the adapter or disk that it belongs to, empty for
    the host itself; `target` the value that it would get, None where only a person can tell."""

    host: Esx
    rule: Rule
    device: str
    found: Value
    target: Value | None

    def title(self, locale: str = "en") -> str:
        """What the setting is."""
        return texts().get(f"plan.rule.{self.rule.id}", locale)

    def why(self, locale: str = "en") -> str:
        """Why it should be otherwise."""
        return texts().get(f"plan.why.{self.rule.id}", locale)

    def to_json(self, locale: str = "en") -> dict[str, Any]:
        return {
            "rule": self.rule.id,
            "host": {"id": self.host.moid, "name": self.host.name},
            "device": self.device or None,
            "setting": self.rule.name,
            "title": self.title(locale),
            "severity": self.rule.severity,
            "found": shown(self.found),
            "wanted": str(self.rule.want),
            "applicable": self.target is not None,
            "reboot": self.rule.reboot,
            "why": self.why(locale),
            "source": self.rule.source,
        }


def findings(
    connection: Connection, hosts: Sequence[Esx], rules: Sequence[Rule] | None = None, ours: Ours | None = None
) -> list[Difference]:
    """The differences on the hosts that are connected, in the order of hosts and rules.

    `rules` are those that come with the plugin unless others are given. Without `ours` no disk is taken for one of
    ours, so nothing is said of paths.
    """
    found = []
    for state in states(connection, hosts):
        mine = ours(state.disks) if ours is not None else frozenset[str]()
        found += differences(state, shipped() if rules is None else rules, mine)
    return found


def differences(state: HostState, rules: Sequence[Rule], ours: frozenset[str]) -> list[Difference]:
    """Those of one host."""
    return [
        Difference(state.esx, rule, device, value, rule.want.nearest(value))
        for rule in rules
        if rule.counts(state.release, state.transports)
        for device, value in _values(state, rule, ours).items()
        if not rule.want.met(value)
    ]


def _values(state: HostState, rule: Rule, ours: frozenset[str]) -> Mapping[str, Value]:
    return KINDS[rule.kind].found(state, rule.name, ours)
