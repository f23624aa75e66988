"""Operations: of one object, and all of the tenant at this vCenter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....adapters.contract import Storage
from ....core.errors import IsthmusError, NotFound
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.block import Block, Cell, Entry, Table, moment, percent, text
from ....ui_bridge.block import operation as link
from ....ui_bridge.objects import ObjectId
from ..inventory.item import Item, Reference
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


def _rows(scene: Scene, operations: Iterable[Operation], *, noted: bool = False) -> list[Entry]:
    """Those of this vCenter on objects that the reader may see, and those on things of the storage."""
    here = [each for each in operations if _guid(each) in (None, scene.target.guid)]
    named = _named(scene, here)
    rows = []
    for each in here:
        target = _target(each)
        item = None if target is None else named.get(target)
        if target is not None and item is None and _hidden(scene, target):
            continue
        rows.append(Entry(each.id, _cells(scene, each, item, noted)))
    return rows


def _cells(scene: Scene, found: Operation, item: Item | None, noted: bool) -> dict[str, Cell]:
    words = scene.words
    told = words.state("operation", found.state)
    if found.undoing and found.state.live:
        told = words.state("operation", found.state, words("undoing"))
    cells = {
        "operation": link(found.id, _title(scene, found.kind)),
        "object": scene.cell(item) if item is not None else text(None),
        "state": told,
        "progress": percent(round(found.progress * 100)),
        "user": text(scene.users.name(found.user)),
        "began": moment(found.created_at),
    }
    if noted:
        cells["reason"] = text(" ".join(words.told(IsthmusError.from_json(dict(found.error or {})))) or found.note)
    return cells


def _title(scene: Scene, kind: str) -> str:
    if kind.startswith(_OURS):
        return scene.words.title(kind.removeprefix(_OURS))
    return scene.words.known(f"kind.{kind}", kind)


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
