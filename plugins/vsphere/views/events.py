"""What happened to the tenant's things, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from ....adapters.contract import Storage
from ....core.errors import Gone
from ....core.model.event import Event
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.block import Block, Entry, Table, moment, text
from ....ui_bridge.block import operation as link
from .scene import MOST_ROWS, Scene

_PIECE = 1000
_PIECES = 20
"""So many pieces are looked through backwards: other tenants' events lie between."""


def page(scene: Scene) -> Sequence[Block]:
    """One row for each."""
    words = scene.words
    answers = scene.ask(lambda _, storage: newest(storage, MOST_ROWS + 1), only=LOCAL_SYSTEM)
    found = answers.found.get(LOCAL_SYSTEM, ())
    table = Table(
        "events",
        words("events"),
        words.columns("time", "event", "name", "user", "operation"),
        [_row(scene, each) for each in found[:MOST_ROWS]],
        words("events.none"),
        more=len(found) > MOST_ROWS,
    )
    return [*scene.warnings(answers), table]


def newest(storage: Storage, most: int) -> Sequence[Event]:
    """The newest events that the caller may see, newest first, as far back as they are kept and can be looked for."""
    found: list[Event] = []
    until, oldest = storage.events.newest() + 1, 1
    for _ in range(_PIECES):
        after = max(oldest, until - _PIECE) - 1
        try:
            piece = storage.events.after(after, _PIECE)
        except Gone as error:
            oldest = int(error.details.get("oldest", until))
            after = max(after, oldest - 1)
            piece = storage.events.after(after, _PIECE) if after < until - 1 else ()
        older = [each for each in piece if (each.number or 0) < until]
        found += sorted(older, key=lambda each: each.number or 0, reverse=True)
        until = after + 1
        if len(found) >= most or until <= oldest:
            break
    return found[:most]


def _row(scene: Scene, event: Event) -> Entry:
    words = scene.words
    noun, _, verb = event.kind.partition(".")
    thing, happened = words.known(f"noun.{noun}", noun), words.known(f"verb.{verb}", verb)
    name = event.body.get("name")
    cells = {
        "time": moment(event.created_at),
        "event": text(words("event.said", noun=thing, verb=happened)),
        "name": text(str(name) if name else event.resource),
        "user": text(scene.users.name(event.user)),
        "operation": link(event.operation, words("operation")) if event.operation else text(None),
    }
    return Entry(event.id, cells)
