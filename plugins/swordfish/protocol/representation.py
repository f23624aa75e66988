"""From a noun to what clients see of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .request import Request
from .resource import NULL, Action, Noun, Resource

_SUPPORT = "@Redfish.OperationApplyTimeSupport"


def represented(resource: Resource, noun: Noun, request: Request) -> dict[str, Any]:
    """The resource as DSP0266 has it, without its entity tag. `request` is one for this very resource."""
    path = request.path.rstrip("/")
    body: dict[str, Any] = {
        "@odata.id": path,
        "@odata.type": resource.odata_type,
        "Id": path.rpartition("/")[2] if resource.id_of is None else resource.id_of(noun),
        "Name": resource.name(noun, request),
    }
    for one in resource.properties:
        value = one.read(noun, request)
        if value is not None:
            body[one.name] = None if value is NULL else value
    actions = _actions(resource, noun, request, path)
    if actions:
        body["Actions"] = actions
    return body


def _actions(resource: Resource, noun: Noun, request: Request, path: str) -> Mapping[str, Any]:
    return {
        f"#{action.name}": {
            "target": f"{path}/Actions/{action.name}",
            **{f"{name}@Redfish.AllowableValues": list(values) for name, values in _allowable(action, noun, request)},
            **({_SUPPORT: request.apply_times} if action.body.later else {}),
        }
        for action in resource.actions
        if action.offered(noun, request)
    }


def _allowable(action: Action, noun: Noun, request: Request) -> Iterable[tuple[str, Sequence[str]]]:
    values = action.allowable(noun, request) if callable(action.allowable) else action.allowable
    return values.items()
