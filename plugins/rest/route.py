"""The declaration of a route: everything that serving it and describing it in OpenAPI needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.model.operation import Operation
from .exchange import Exchange, Reply

Handler = Callable[[Exchange, Any], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    `path` has parameters in braces. `request` and `response` name schemas; `listed` says that the response is a page
    of them. `parameters` are query parameters with their schemas. `conditional` routes heed If-Match, `keyed` ones
    Idempotency-Key and `dry_run`. `open` routes need no credentials.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    tag: str
    status: int = 200
    request: str | None = None
    response: str | None = None
    listed: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    conditional: bool = False
    keyed: bool = False
    open: bool = False

    @property
    def known_parameters(self) -> Sequence[str]:
        return (*self.parameters, *(("dry_run",) if self.keyed else ()))


def accepted(operation: Operation) -> Reply:
    """202 with the operation, or 200 with the plan of a dry run."""
    if operation.plan is not None:
        return Reply(operation, 200)
    return Reply(operation, 202, {"Location": f"/v1/operations/{operation.id}"})


def made(noun: Any, path: str) -> Reply:
    """201 with the new thing and where it is."""
    return Reply(noun, 201, {"Location": path})


def listing(tag: str, path: str, noun: str, handler: Handler, filters: Sequence[str], sorts: Sequence[str]) -> Route:
    """The list of a collection: filters, sort and keyset pages."""
    plural = path.rsplit("/", 1)[-1]
    directions = [each for sort in sorts for each in (sort, f"-{sort}")]
    return Route(
        "GET",
        path,
        f"list_{plural}",
        f"List {plural}",
        handler,
        tag,
        response=noun,
        listed=True,
        parameters={
            **{name: {"type": "string", "description": f"Only with this {name}."} for name in filters},
            "sort": {"enum": directions, "default": "created_at"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
            "cursor": {"type": "string", "description": "`next` of the page before."},
            "all_tenants": {"type": "boolean", "default": False, "description": "Administrators only."},
            "total": {"type": "boolean", "default": False},
        },
    )
