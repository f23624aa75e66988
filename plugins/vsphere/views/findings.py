"""Settings of a host that are not as the rules want them, read in the reader's own session."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ....core.errors import Conflict, IsthmusError
from ....ui_bridge.block import Entry, Level, Notice, Table, text
from ..connection.soap import Connection
from ..hosts.esx import hosts_at
from ..inventory.item import Item
from ..reasons import because
from ..settings import findings as settings
from ..settings.findings import Difference
from ..settings.rule import shown
from ..settings.rulebook import rules
from .scene import Scene

_RULES = "rules"
_ORDER = ("error", "warning", "info")


def found(scene: Scene, host: Item, ours: Collection[str]) -> Sequence[Difference] | Notice:
    """What differs, the worst first, or why that cannot be told. `ours` are the names of the disks that are ours."""
    mine = frozenset(ours)
    if str(host.get("runtime.connectionState")) != "connected":
        return Notice(Level.INFO, *scene.words.told(because(Conflict, "host-offline", host=host.name)))

    def read(connection: Connection) -> list[Difference]:
        esx = hosts_at(connection, [connection.reference(host.reference.kind, host.reference.moid)])
        return settings.findings(connection, esx, rules(scene.host_rules), lambda disks: mine.intersection(disks))

    try:
        differences = scene.seat.ask(lambda connection, who: read(connection))
    except IsthmusError as error:
        message, cure = scene.words.told(error)
        return Notice(Level.WARNING, message, cure)
    return sorted(differences, key=lambda each: _ORDER.index(each.rule.severity))


def table(scene: Scene, differences: Sequence[Difference]) -> Table:
    """One row for each setting."""
    words, locale = scene.words, scene.words.locale
    rows = []
    for each in differences:
        cells = {
            "name": text(f"{each.title(locale)} ({each.device})" if each.device else each.title(locale)),
            "severity": words.state("finding", each.rule.severity),
            "found": text(shown(each.found)),
            "wanted": text(str(each.rule.want)),
            "why": text(each.why(locale)),
        }
        # What only a person can tell is not put right from here.
        actions = scene.actions("HostSystem", taking=_RULES) if each.target is not None else []
        given = {_RULES: [each.rule.id]}
        rows.append(Entry(f"{each.rule.id} {each.device}", cells, actions, str(scene.target), given))
    columns = words.columns("name", "severity", "found", "wanted", "why")
    whole = scene.actions("HostSystem", taking=_RULES) if rows else []
    return Table("findings", words("findings"), columns, rows, words("findings.none"), whole)
