"""How an operation ended that did not end well, or why it waits, for whoever looks at the vCenter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.journal.step import Run
from ....core.model.operation import Operation, OperationState
from ....ui_bridge.api.operation import LEFT
from ..reasons import phrase, texts
from .told import OURS, error_of

_KEYS: Mapping[OperationState, str] = {
    OperationState.ABANDONED: "outcome.abandoned",
    OperationState.CANCELLED: "outcome.cancelled",
    OperationState.NEEDS_ATTENTION: "outcome.attention",
}


def leave(run: Run, key: str, **values: Any) -> None:
    """Remember that not everything is as it was before, though the operation is taken back. `key` is a text of the
    plugin which says what remains; who reads the result without the plugin's texts finds it in English."""
    run.result[LEFT] = {**phrase(key, **values), "message": texts().get(key, **values)}


def outcome(operation: Operation, locale: str) -> str:
    """In the locale's language: cause and cure, and how things are now as far as that is known: of an operation that is
    none of ours it is not."""
    if not operation.kind.startswith(OURS):
        return error_of(operation, locale)
    key, left = _KEYS.get(operation.state, "outcome.failed"), operation.result.get(LEFT)
    said = "" if left is None else texts().get(left["text"], locale, **left["values"])
    if said and operation.state in (OperationState.FAILED, OperationState.CANCELLED):
        key = f"{key}.left"
    return texts().get(key, locale, reason=error_of(operation, locale), operation=operation.id, left=said)
