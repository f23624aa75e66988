"""`$expand`: linked resources in place of links (DSP0266, The $expand query parameter)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import IsthmusError
from .options import Expand
from .refusal import Refusal
from .request import Request


def expanded(body: Mapping[str, Any], wanted: Expand, request: Request) -> dict[str, Any]:
    """The body with what it links to in it, as deep as wanted. What the caller may not see stays a link."""
    return {name: _value(name, value, wanted, request) for name, value in body.items()}


def _value(name: str, value: Any, wanted: Expand, request: Request) -> Any:
    if name == "Actions" or "@" in name:
        return value
    if name == "Links":
        return _links(value, wanted, request) if wanted.links else value
    return _links(value, wanted, request) if wanted.subordinate else value


def _links(value: Any, wanted: Expand, request: Request) -> Any:
    """Every link in a value followed."""
    if isinstance(value, list):
        return [_links(one, wanted, request) for one in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) != {"@odata.id"}:
        return {name: inner if "@" in name else _links(inner, wanted, request) for name, inner in value.items()}
    # Imported late: reading expands, and expanding reads.
    from .reading import body_at

    try:
        body = body_at(value["@odata.id"], request)
    except (Refusal, IsthmusError):
        return value
    if wanted.levels == 1:
        return body
    return expanded(body, Expand(wanted.links, wanted.subordinate, wanted.levels - 1), request)
