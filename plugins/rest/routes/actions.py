"""The actions of all plugins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ....core.model.operation import Operation
from ....plugin_manager.action import Action, Actions, Call, Subject
from ..exchange import Exchange, Reply
from ..route import Route, accepted

_TAG = "actions"


def action_routes(actions: Actions) -> tuple[Route, ...]:
    """The routes that list what plugins can do, and do it."""

    def list_actions(x: Exchange, body: Any) -> Reply:
        kind = x.args.get("kind")
        return Reply({"items": [_shown(plugin, action) for plugin, action in actions.list(kind=kind)]})

    def invoke(x: Exchange, body: Any) -> Reply:
        plugin, action = x.path["plugin"], x.path["action"]
        subject = body.get("subject")
        call = Call(x.context, Subject(**subject) if subject else None, body.get("input", {}), x.key)
        if x.dry_run:
            return Reply({"plan": dict(actions.plan(plugin, action, call))})
        result = actions.invoke(plugin, action, call)
        return accepted(result) if isinstance(result, Operation) else Reply({"result": dict(result)})

    def choices(x: Exchange, body: Any) -> Reply:
        subject = body.get("subject")
        call = Call(x.context, Subject(**subject) if subject else None, body.get("input", {}))
        found = actions.choices(x.path["plugin"], x.path["action"], x.path["field"], call)
        return Reply(
            {"items": [{"value": each.value, "title": each.title, "details": dict(each.details)} for each in found]}
        )

    return (
        Route(
            "GET",
            "/v1/actions",
            "list_actions",
            "What plugins can do",
            list_actions,
            _TAG,
            response="action-list",
            parameters={"kind": {"type": "string", "description": "Only those offered on this kind of thing."}},
        ),
        Route(
            "POST",
            "/v1/actions/{plugin}/{action}",
            "invoke_action",
            "Do what a plugin can do",
            invoke,
            _TAG,
            request="action-call",
            response="action-result",
            also={202: ("operation", "Accepted; the operation does it.")},
            keyed=True,
        ),
        Route(
            "POST",
            "/v1/actions/{plugin}/{action}/choices/{field}",
            "list_action_choices",
            "What a property of an action's input may be now",
            choices,
            _TAG,
            request="action-call",
            response="action-choices",
        ),
    )


def _shown(plugin: str, action: Action) -> Mapping[str, Any]:
    return {
        "plugin": plugin,
        "id": action.id,
        "title": action.title,
        "summary": action.summary,
        "kinds": list(action.kinds),
        "permission": action.permission,
        "input": json.loads(json.dumps(action.input)),
        "choices": sorted(action.choices),
    }
