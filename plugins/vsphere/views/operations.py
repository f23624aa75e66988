"""Operations: of one object, and all of the tenant at this vCenter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ....adapters.contract import Storage
from ....core.errors import IsthmusError, NotFound
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.api.operation import SUBJECT
from ....ui_bridge.block import Block, Cell, Entry, Table, moment, percent, text
from ....ui_bridge.block import operation as link
from ....ui_bridge.objects import ObjectId
from ..inventory.item import Item, Reference
from .names import Thing, names
from .scene import MOST_ROWS, Scene

_OURS = "vsphere."
_COLUMNS = ("operation", "object", "state", "progress", "user", "began")
_FEW = 20


def page(scene: Scene) -> Sequence[Block]:
    """The newest, first those that wait for a person."""
    waiting = attention(scene)
    answers = scene.ask(lambda _, storage: _listed(storage, limit=2 * MOST_ROWS), only=LOCAL_SYSTEM)
    # What an operation let another do is told among its steps.
    found = [each for each in answers.found.get(LOCAL_SYSTEM, ()) if each.parent is None]
    rows = _rows(scene, found[:MOST_ROWS])
    newest = Table(
        "operations",
        scene.words("operations"),
        scene.words.columns(*_COLUMNS),
        rows,
        scene.words("operations.none"),
        more=len(found) > MOST_ROWS,
    )
    return [*scene.warnings(answers), *([waiting] if waiting.rows else []), newest]


def attention(scene: Scene) -> Table:
    """Those that wait for a person to decide."""
    state = OperationState.NEEDS_ATTENTION.value
    found = scene.ask(lambda _, storage: _listed(storage, limit=_FEW, state=state), only=LOCAL_SYSTEM)
    rows = _rows(scene, found.found.get(LOCAL_SYSTEM, ()), noted=True)
    words = scene.words
    columns = words.columns("operation", "object", "state", "reason", "began")
    return Table("attention", words("attention"), columns, rows, words("attention.none"))


def operations_of(scene: Scene, urn: str) -> Table:
    """The newest of one object."""
    answers = scene.ask(lambda _, storage: _listed(storage, limit=_FEW, resource=urn), only=LOCAL_SYSTEM)
    words = scene.words
    columns = words.columns("operation", "state", "progress", "user", "began")
    rows = _rows(scene, answers.found.get(LOCAL_SYSTEM, ()))
    return Table("operations", words("operations"), columns, rows, words("operations.none"))


def _listed(storage: Storage, *, limit: int, **filters: str) -> Sequence[Operation]:
    return storage.operations.list(Query(filters=filters, sort="-created_at", limit=limit)).items


def objects(scene: Scene, operations: Iterable[Operation]) -> Mapping[str, Cell]:
    """What operations were begun on, by their ids: of those of this vCenter on objects that the reader may see, and of
    those on things of the storage. The others are left out."""
    here = [each for each in operations if _guid(each) in (None, scene.target.guid)]
    seen, stored = _named(scene, here), names(scene, (_thing(each) for each in here))
    found = {}
    for each in here:
        target = _target(each)
        item = None if target is None else seen.get(target)
        if item is not None:
            found[each.id] = scene.cell(item)
        elif target is None or not _hidden(scene, target):
            # What is gone is called as it was called when it began.
            name = each.result.get(SUBJECT) or stored.get(_thing(each))
            found[each.id] = text(str(name) if name else None if each.resource else "")
    return found


def title(scene: Scene, kind: str) -> str:
    """What operations of a kind do."""
    if kind.startswith(_OURS):
        return scene.words.title(kind.removeprefix(_OURS))
    return scene.words.known(f"kind.{kind}", kind)


def _rows(scene: Scene, operations: Sequence[Operation], *, noted: bool = False) -> list[Entry]:
    of = objects(scene, operations)
    return [Entry(each.id, _cells(scene, each, of[each.id], noted)) for each in operations if each.id in of]


def _cells(scene: Scene, found: Operation, on: Cell, noted: bool) -> dict[str, Cell]:
    words = scene.words
    told = words.state("operation", found.state)
    if found.undoing and found.state.live:
        told = words.state("operation", found.state, words("undoing"))
    cells = {
        "operation": link(found.id, title(scene, found.kind)),
        "object": on,
        "state": told,
        "progress": percent(round(found.progress * 100)),
        "user": text(scene.users.name(found.user)),
        "began": moment(found.created_at),
    }
    if noted:
        cells["reason"] = text(" ".join(words.told(IsthmusError.from_json(dict(found.error or {})))) or found.note)
    return cells


def _named(scene: Scene, operations: Sequence[Operation]) -> dict[Reference, Item]:
    targets = {target for each in operations if (target := _target(each)) is not None}
    try:
        return {each.reference: each for each in scene.named(sorted(targets))}
    except IsthmusError:
        return {}


def _hidden(scene: Scene, target: Reference) -> bool:
    """Whether it is there and the reader may not see it; of one that is gone the operation is still shown."""
    if scene.seat.session is None:
        return False
    try:
        scene.inventory.get(target)
    except NotFound:
        return False
    except IsthmusError:
        return True
    return True


def _thing(operation: Operation) -> Thing:
    return operation.resource_type, operation.resource or ""


def _parsed(operation: Operation) -> ObjectId | None:
    if not operation.kind.startswith(_OURS):
        return None
    try:
        return ObjectId.parse(operation.resource or "")
    except IsthmusError:
        return None


def _guid(operation: Operation) -> str | None:
    found = _parsed(operation)
    return None if found is None else found.guid


def _target(operation: Operation) -> Reference | None:
    found = _parsed(operation)
    return None if found is None else Reference(found.kind, found.moid)
