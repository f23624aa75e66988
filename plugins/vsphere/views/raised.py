"""Why the plug-in's alarms in the vCenter are up, as the last survey found it, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from ....core.errors import IsthmusError
from ....ui_bridge.block import Block, Level
from ..actions.by_hand import detaching
from ..connection.soap import Connection
from ..events.kinds import BY_NAME, FOLDER, HOSTS, OPERATIONS
from ..events.memory import Raised, Told
from ..events.survey import ROOT
from ..inventory.item import Reference
from ..reasons import texts
from .scene import Scene

_MOST_NAMES = 10
_Facts = tuple[tuple[str, str], ...]


def of_store(scene: Scene, name: str) -> list[Block]:
    """What is told of the datastore that is looked at."""
    raised = scene.memory.get(scene.subject).raised.values()
    return _notices(scene, ((name, each) for each in raised))


def of_all(scene: Scene) -> list[Block]:
    """What is told of all that the reader may see, but for the operations that wait: the page has a table of these."""
    told = scene.memory.all()
    raised = {reference: _but_operations(each) for reference, each in told.items()}
    try:
        stores = scene.named(each for each, found in raised.items() if found and each != ROOT)
        gone = _gone_hosts(scene, told[ROOT].raised[HOSTS.name]) if raised.get(ROOT) and _sees_root(scene) else []
    except IsthmusError:
        return []  # the page says that and why
    return [*_notices(scene, ((store.name, each) for store in stores for each in raised[store.reference])), *gone]


def _but_operations(told: Told) -> Sequence[Raised]:
    return [each for name, each in told.raised.items() if name != OPERATIONS.name]


def _notices(scene: Scene, raised: Iterable[tuple[str, Raised]]) -> list[Block]:
    """One for all datastores of which the same is told, the worst first."""
    same: dict[tuple[str, _Facts], list[str]] = {}
    for name, each in raised:
        # That several operations wait is told as one.
        rest = tuple(sorted((key, value) for key, value in each.facts.get("", {}).items() if key != "name"))
        same.setdefault((each.kind, rest), []).append(name)
    ordered = sorted(same.items(), key=lambda each: (_level(each[0][0]) is not Level.ERROR, each[0]))
    return [_notice(scene, kind, names=_listed(scene, names), **dict(rest)) for (kind, rest), names in ordered]


def _gone_hosts(scene: Scene, raised: Raised) -> list[Block]:
    found: list[Block] = []
    for identity, facts in raised.facts.items():
        system, _, host = identity.partition("/")
        way = detaching(system, "host", host)
        said = texts().get(way["text"], scene.words.locale, **way["values"])
        found.append(_notice(scene, raised.kind, names=facts["hosts"], system=system, way=said))
    return found


def _sees_root(scene: Scene) -> bool:
    """Whether the reader sees the alarms at the root of the inventory."""
    if scene.seat.session is None:
        return True
    from .visible import visible

    def seen(connection: Connection) -> bool:
        return bool(visible(connection, [Reference(FOLDER, connection.content.rootFolder._moId)]))

    return scene.seat.ask(lambda connection, who: seen(connection))


def _listed(scene: Scene, names: Sequence[str]) -> str:
    shown = scene.words.listed(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return scene.words("raised.more", names=shown, count=more) if more > 0 else shown


def _level(kind: str) -> Literal[Level.ERROR, Level.WARNING]:
    return Level.ERROR if BY_NAME[kind].colour == "red" else Level.WARNING


def _notice(scene: Scene, kind: str, /, **values: str) -> Block:
    return scene.words.notice(_level(kind), f"raised.{kind}", **values)
