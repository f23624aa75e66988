"""What can be done: listed, described, rehearsed, begun."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import Invalid, IsthmusError, NotFound
from ...core.model.operation import Operation
from ...plugin_manager.action import Action, Call
from ..manifest import title
from ..platform import Admission
from .checked import check_input
from .choice import shown
from .exchange import Exchange
from .operation import label, operation_json
from .plan import document_blocks, plan_blocks
from .problem import defect, told
from .route import Reply, Route
from .schema import localised

_LONGEST_KEY = 200

_log = logging.getLogger(__name__)


def _list(x: Exchange) -> Reply:
    actions = _here(x)
    admission = x.admitted(*sorted({action.privilege for action in actions if action.privilege}))
    return Reply({"items": [{**_named(x, action), **_standing(x, action, admission)} for action in actions]})


def _get(x: Exchange) -> Reply:
    action = _action(x)
    admission = x.admitted(*([action.privilege] if action.privilege else []))
    standing = _standing(x, action, admission)
    schema = _bounded(x, action, admission) if standing["available"] else action.input
    course = x.platform.course(action.id)
    return Reply(
        {
            **_named(x, action),
            "kinds": list(action.kinds),
            "input": localised(x, action.id, schema),
            "choices": sorted(action.choices),
            "steps": [{"id": step, "label": label(x, action.id, step)} for step in course.steps],
            "pivot": course.pivot,
            **standing,
        }
    )


def _bounded(x: Exchange, action: Action, admission: Admission) -> Mapping[str, Any]:
    """The schema of the input with what holds here and now, so that a dialog says it before anything is entered."""
    try:
        bounds = x.actions.bounds(x.surface.plugin, action.id, _asked(x, admission))
    except IsthmusError:
        # It would have been a help; what is entered is checked in any case.
        return action.input
    properties = {name: {**part, **bounds.get(name, {})} for name, part in action.input.get("properties", {}).items()}
    return {**action.input, "properties": properties}


def _choices(x: Exchange) -> Reply:
    action = _action(x)
    call = _call(x, x.demanded(action.privilege))
    found = x.actions.choices(x.surface.plugin, action.id, x.words["field"], call)
    return Reply({"items": [shown(x, x.words["field"], each) for each in found]})


def _plan(x: Exchange) -> Reply:
    action = _action(x)
    call = _call(x, x.demanded(action.privilege))
    check_input(x, localised(x, action.id, action.input))
    plan = dict(x.actions.plan(x.surface.plugin, action.id, call))
    blocks = plan_blocks(x, action.id, plan, x.platform.names(call.context, plan))
    return Reply({"plan": plan, "blocks": [each.to_json() for each in blocks]})


def _invoke(x: Exchange) -> Reply:
    action = _action(x)
    key = x.body.get("key")
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY and key.isprintable()):
        raise Invalid(f"The key has 1 to {_LONGEST_KEY} printable characters.", field="key")
    call = _call(x, x.demanded(action.privilege), key)
    check_input(x, localised(x, action.id, action.input))
    result = x.actions.invoke(x.surface.plugin, action.id, call)
    if isinstance(result, Operation):
        return Reply({"operation": operation_json(x, result, call.context)}, 202)
    blocks = document_blocks(x, x.text(title(action)), result, x.platform.names(call.context, result))
    return Reply({"result": dict(result), "blocks": [each.to_json() for each in blocks]})


def _here(x: Exchange) -> Sequence[Action]:
    return x.surface.on(x.target.kind) if x.target.kind else x.surface.free()


def _action(x: Exchange) -> Action:
    found = next((each for each in _here(x) if each.id == x.words["action"]), None)
    if found is None:
        raise NotFound("There is no such action here.")
    return found


def _asked(x: Exchange, admission: Admission) -> Call:
    """Without anything entered."""
    return Call(admission.context, x.target.subject if x.target.kind else None)


def _call(x: Exchange, admission: Admission, key: str | None = None) -> Call:
    return Call(admission.context, x.target.subject if x.target.kind else None, x.input, key)


def _named(x: Exchange, action: Action) -> dict[str, str]:
    key = f"action.{action.id}.summary"
    summary = x.text(key) if x.surface.texts.has(key) else action.summary
    return {"id": action.id, "title": x.text(title(action)), "summary": summary}


def _standing(x: Exchange, action: Action, admission: Admission) -> dict[str, Any]:
    """Whether it can be done now, or why not and what would help."""
    wrong = _wrong(x, action, admission)
    if wrong is None:
        return {"available": True, "reason": "", "cure": ""}
    reason, cure = told(wrong, x.platform, x.surface.texts, x.locale)
    return {"available": False, "reason": reason, "cure": cure}


def _wrong(x: Exchange, action: Action, admission: Admission) -> IsthmusError | None:
    if action.privilege in admission.missing:
        return x.lacking(action.privilege)
    try:
        return x.actions.check(x.surface.plugin, action.id, _asked(x, admission))
    except IsthmusError as error:
        return error
    except Exception:
        # One action that is broken takes none of the others away.
        _log.exception("whether %s can be done cannot be told [%s]", action.id, x.request_id)
        return defect(x.surface.texts, x.locale, x.request_id)


ROUTES = (
    Route("GET", "actions", _list),
    Route("GET", "actions/{action}", _get),
    Route("POST", "actions/{action}/choices/{field}", _choices),
    Route("POST", "actions/{action}/plan", _plan),
    Route("POST", "actions/{action}", _invoke),
)
