"""`$select`: some properties of a resource (DSP0266, The $select query parameter)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KEPT = ("@odata.id", "@odata.type", "@odata.context", "@odata.etag")


def selected(body: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The named properties (`Status/Health` inside an object), and those that every body must have.

    Of a collection it is the members that are cut down, where they are expanded.
    """
    members = body.get("Members")
    if isinstance(members, list) and "Members@odata.count" in body:
        return {**body, "Members": [one if set(one) == {"@odata.id"} else selected(one, names) for one in members]}
    kept = {name: body[name] for name in (*_KEPT, "Id", "Name") if name in body}
    for name in names:
        _copy(body, kept, name.split("/"))
    return kept


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: Sequence[str]) -> None:
    name, rest = path[0], path[1:]
    if name not in source:
        return
    value = source[name]
    if rest and isinstance(value, Mapping):
        inner = target.setdefault(name, {})
        if isinstance(inner, dict):
            _copy(value, inner, rest)
    elif not rest:
        target[name] = value
