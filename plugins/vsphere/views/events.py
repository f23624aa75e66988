"""What happened to the tenant's things, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ....adapters.contract import Storage
from ....core.errors import Gone
from ....core.model.event import Event
from ....core.model.operation import Operation
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.block import Block, Entry, Table, moment, text
from ....ui_bridge.block import operation as link
from .asking import tried
from .names import Thing, names
from .operations import objects, title
from .scene import MOST_ROWS, Scene

_ATTACHMENT, _OPERATION = "attachment", "operation"
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
        _rows(scene, found[:MOST_ROWS]),
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


def _rows(scene: Scene, events: Sequence[Event]) -> list[Entry]:
    """An event of an operation of another vCenter, or on what the reader may not see, is left out."""
    operations = _operations(scene, events)
    on, called = objects(scene, operations.values()), _called(scene, events)
    rows = []
    for each in events:
        if each.resource_type != _OPERATION:
            cells = {"event": text(_said(scene, each)), "name": text(_name(scene, each, called))}
        elif each.resource in operations and each.resource not in on:
            continue
        else:
            cells = {"event": text(_outcome(scene, each)), "name": on.get(each.resource, text(None))}
        link_to = link(each.operation, scene.words("operation")) if each.operation else text("")
        more = {"time": moment(each.created_at), "user": text(scene.users.name(each.user)), "operation": link_to}
        rows.append(Entry(each.id, cells | more))
    return rows


def _operations(scene: Scene, events: Sequence[Event]) -> Mapping[str, Operation]:
    """Those that events tell the end of, as far as they are still kept."""
    wanted = {each.resource for each in events if each.resource_type == _OPERATION}

    def read(_: str, storage: Storage) -> Mapping[str, Operation]:
        found = (tried(partial(storage.operations.get, each)) for each in wanted)
        return {each.id: each for each in found if each is not None}

    return scene.ask(read, only=LOCAL_SYSTEM).found.get(LOCAL_SYSTEM, {}) if wanted else {}


def _called(scene: Scene, events: Sequence[Event]) -> Mapping[Thing, str]:
    """The volumes and hosts of attachments. What is gone meanwhile is called as an event calls it."""
    ends = {end for each in events if each.resource_type == _ATTACHMENT for end in _ends(each)}
    told = {(each.resource_type, each.resource): str(each.body["name"]) for each in events if each.body.get("name")}
    return {**told, **names(scene, ends)}


def _ends(event: Event) -> Sequence[Thing]:
    return [(kind, str(event.body[kind])) for kind in ("volume", "host") if event.body.get(kind)]


def _name(scene: Scene, event: Event, called: Mapping[Thing, str]) -> str | None:
    """None where nobody knows it any more."""
    if event.resource_type != _ATTACHMENT:
        return str(event.body.get("name") or "") or None
    ends = {thing[0]: called[thing] for thing in _ends(event) if thing in called}
    return scene.words("attachment.of", **ends) if len(ends) == 2 else next(iter(ends.values()), None)


def _said(scene: Scene, event: Event) -> str:
    """A noun and what happened to it."""
    words = scene.words
    noun, _, verb = event.kind.partition(".")
    return words("event.said", noun=words.known(f"noun.{noun}", noun), verb=words.known(f"verb.{verb}", verb))


def _outcome(scene: Scene, event: Event) -> str:
    """What an operation was to do, and how it came out."""
    words, state = scene.words, event.kind.partition(".")[2]
    said = title(scene, str(event.body.get("kind", "")))
    return words("event.outcome", operation=said, state=words.known(f"state.operation.{state}", state))
