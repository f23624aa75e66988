"""Why what was asked for went where it went."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ...core.errors import Forbidden, NotFound
from ...core.model.description import Explanation
from ...core.model.operation import Operation
from ..block import Block, Entry, Level, Notice, Table, moment, operation, state
from .exchange import Exchange
from .explanation import explanation_blocks
from .operation import action_of
from .operations import belongs, context_at
from .route import Reply, Route

_LEVELS = {"error": Level.ERROR, "warning": Level.WARNING, "info": Level.INFO}


def _explain(x: Exchange) -> Reply:
    asking = x.platform.identify(x.sender, x.target.guid, x.request_id)
    explanation = x.platform.operations(asking).explain(x.words["request"])
    shown = _shown(x, explanation)
    if not shown:
        raise NotFound("Nothing is known of this request at this vCenter.")
    return Reply({"blocks": [each.to_json() for each in _blocks(x, explanation, shown)]})


def _shown(x: Exchange, explanation: Explanation) -> list[Operation]:
    """The operations of the request on what is in this vCenter and the reader has rights on, and what those asked for.

    A request's id may be chosen by whoever sends it, so one id may stand for requests that have nothing in common.
    """
    shown: dict[str, Operation] = {}
    for each in explanation.operations:
        if belongs(x, each):
            with suppress(Forbidden, NotFound):
                context_at(x, each)
                shown[each.id] = each
    left = [each for each in explanation.operations if each.id not in shown]
    while children := [each for each in left if each.parent in shown]:
        shown.update((each.id, each) for each in children)
        left = [each for each in left if each.id not in shown]
    return list(shown.values())


def _blocks(x: Exchange, explanation: Explanation, shown: Sequence[Operation]) -> list[Block]:
    blocks: list[Block] = []
    known = {each.id for each in shown}
    for each in explanation.messages:
        if each.operation in known:
            level = _LEVELS.get(each.level, Level.INFO)
            blocks.append(Notice(level, each.text, each.next_step or ""))  # type: ignore[arg-type]
    for found in shown:
        for document in (found.explanation, ((found.error or {}).get("details") or {}).get("explanation")):
            if document:
                blocks += explanation_blocks(document, x.surface.texts, x.locale)
    rows = [
        Entry(
            each.id,
            {
                "title": operation(each.id, _title(x, action_of(x, each), each.kind)),
                "state": state(_level(each.state.value), x.first(f"operation.state.{each.state.value}") or each.state),
                "created_at": moment(each.created_at),
            },
        )
        for each in shown
        if belongs(x, each)
    ]
    columns = [(name, x.text(f"explain.{name}")) for name in ("title", "state", "created_at")]
    blocks.append(Table("operations", x.text("explain.operations"), columns, rows, x.text("explain.none")))
    return blocks


def _title(x: Exchange, action: str, kind: str) -> str:
    return x.first(f"action.{action}.title") or kind


def _level(found: str) -> Level:
    if found in ("failed", "needs_attention"):
        return Level.ERROR
    if found in ("cancelled", "abandoned"):
        return Level.WARNING
    return Level.OK if found == "done" else Level.INFO


ROUTES = (Route("GET", "explain/{request}", _explain),)
