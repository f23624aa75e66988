"""An operation as pages show it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.context import Context
from ...core.errors import IsthmusError
from ...core.model.operation import Operation, OperationState
from ..block import Block
from .exchange import Exchange
from .problem import told

SUBJECT = "subject"
"""In an operation's result: the name of the object it was begun on, which it may have outlived."""

LEFT = "left"
"""In an operation's result: what stays although the operation was taken back, as a text of the plugin (`text`, its key,
and `values`). Without it everything is as it was before."""


def operation_json(
    x: Exchange, operation: Operation, context: Context, explained: Sequence[Block] = ()
) -> dict[str, Any]:
    """In the reader's language. `can` is what somebody with this context may do to it now."""
    action = action_of(x, operation)
    course = x.platform.course(action)
    states = course.states(operation)
    name = operation.result.get(SUBJECT, "")
    return {
        "id": operation.id,
        "version": version(operation),
        "action": action,
        "title": x.first(f"action.{action}.title") or action,
        "object": {"id": operation.resource, "name": name} if operation.resource else None,
        "user": operation.user,
        "state": operation.state.value,
        "progress": operation.progress,
        "step": operation.step,
        "undoing": operation.undoing,
        "cancel_requested": operation.cancel_requested,
        "steps": [
            {"id": step, "label": label(x, action, step), "state": state}
            for step, state in zip(course.steps, states, strict=True)
        ],
        "note": operation.note,
        "created_at": operation.created_at.isoformat(),
        "updated_at": operation.updated_at.isoformat(),
        "error": _error(x, operation),
        "left": _left(x, operation),
        "result": {key: value for key, value in operation.result.items() if key not in (SUBJECT, LEFT)},
        "request_id": operation.request_id,
        "can": [verb for verb in _possible(x, action, operation) if x.platform.lacking(context, verb) is None],
        "explanation_blocks": [each.to_json() for each in explained],
    }


def version(operation: Operation) -> str:
    """Differs whenever something that is shown of the operation does."""
    seen = (
        operation.state.value,
        operation.step,
        operation.undoing,
        operation.progress,
        operation.note,
        operation.cancel_requested,
        operation.updated_at.isoformat(),
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def action_of(x: Exchange, operation: Operation) -> str:
    """The id of the action that began it: flows are called after their plugin and their action."""
    return operation.kind.removeprefix(f"{x.surface.plugin}.")


def label(x: Exchange, action: str, step: str) -> str:
    """A step in words."""
    return x.first(f"step.{action}.{step}", f"step.{step}") or step


def _possible(x: Exchange, action: str, operation: Operation) -> Sequence[str]:
    """What its state allows."""
    if operation.state is OperationState.NEEDS_ATTENTION:
        return ("retry", "abandon")
    late = operation.undoing or operation.cancel_requested or x.platform.course(action).past_pivot(operation.step)
    return () if late or not operation.state.live else ("cancel",)


def _left(x: Exchange, operation: Operation) -> str:
    """What stays of an operation that was taken back; nothing where all is as it was before."""
    left = operation.result.get(LEFT)
    if left is None or operation.state not in (OperationState.FAILED, OperationState.CANCELLED):
        return ""
    return x.text(str(left["text"]), **left["values"])


def _error(x: Exchange, operation: Operation) -> Mapping[str, str] | None:
    if operation.error is None:
        return None
    if operation.error.get("code") == "cancelled":
        said = "ui.state.cancelled" if _left(x, operation) else "outcome.cancelled"
        return {"message": x.text(said), "next_step": ""}
    error = IsthmusError.from_json(dict(operation.error))
    # What an error says of a step is said in the words of its action.
    error.details.setdefault("action", action_of(x, operation))
    message, cure = told(error, x.platform, x.surface.texts, x.locale)
    return {"message": message, "next_step": cure}
