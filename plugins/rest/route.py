"""The declaration of a route: everything that serving it and describing it in OpenAPI needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.model.operation import Operation
from ...core.model.page import DEFAULT_PAGE, LARGEST_PAGE
from .exchange import Exchange, Reply

LIMIT: Mapping[str, Any] = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": DEFAULT_PAGE}
Handler = Callable[[Exchange, Any], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    `path` has parameters in braces. `request` and `response` name schemas; `listed` says that the response is a page
    of them; a response that is not JSON has a `media` type instead. `parameters` are query parameters with their
    schemas. `also` are further good answers by status, each with its schema and when it comes. `conditional` routes
    heed If-Match, `keyed` ones Idempotency-Key and `dry_run`. `open` routes need no credentials.
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
    media: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[int, tuple[str, str]] = field(default_factory=dict)
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
            "sort": {"enum": directions, "default": "created_at", "description": "Descending with a `-` before it."},
            "limit": {**LIMIT, "description": "The most items that a page may have."},
            "cursor": {"type": "string", "description": "`next` of the page before, with the same filters and sort."},
            "all_tenants": {
                "type": "boolean",
                "default": False,
                "description": "Those of every tenant, for an administrator who acts for one.",
            },
            "total": {
                "type": "boolean",
                "default": False,
                "description": "Say how many there are on all pages, where that is known without counting.",
            },
        },
    )
