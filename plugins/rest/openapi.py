"""The OpenAPI 3.1 document, assembled from the routes and the schema files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ... import __version__
from .problem import TITLES
from .route import Route
from .schema import schemas

_PARAMETER = re.compile(r"\{(\w+)\}")
_REFERENCE = re.compile(r"([a-z0-9-]+)\.json(?:#(.*))?")
_DESCRIPTION = """\
One API for all storage behind this installation.

A change is accepted with 202 and an operation; wait for it with `GET /v1/operations/{id}?wait=30`. Send an
`Idempotency-Key` and the same request can be repeated safely. `?dry_run=true` answers with the plan and changes
nothing. `If-Match` with an ETag makes a change conditional. Errors are problem documents (RFC 9457) with a code, a
sentence and, where possible, the next thing to do; `request_id` finds everything that belongs to a request.
Sizes are in bytes, times in UTC (RFC 3339). Lists have keyset pages: pass `next` as `cursor`."""


def document(routes: tuple[Route, ...]) -> Mapping[str, Any]:
    """The whole document for these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Isthmus",
            "version": __version__,
            "summary": "One storage control plane that every platform plugs into",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"password": []}],
        "paths": paths,
        "components": {"schemas": _components(), "securitySchemes": _security(), "headers": _headers()},
    }


@cache
def _components() -> Mapping[str, Any]:
    return {name: _local(schema) for name, schema in schemas().items()}


def _local(part: Any) -> Any:
    """The schema with references to files turned into references inside the document."""
    if isinstance(part, Mapping):
        return {
            key: _target(value) if key == "$ref" and isinstance(value, str) else _local(value)
            for key, value in part.items()
            if key not in ("$schema", "$id")
        }
    if isinstance(part, list):
        return [_local(each) for each in part]
    return part


def _target(reference: str) -> str:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return reference
    return f"#/components/schemas/{found[1]}{found[2] or ''}"


def _operation(route: Route) -> Mapping[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route),
    }
    if route.open:
        described["security"] = []
    if route.request is not None:
        schema = {"$ref": f"#/components/schemas/{route.request}"}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _path_parameters(route: Route) -> list[Mapping[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[Mapping[str, Any]]:
    parameters = dict(route.parameters)
    if route.keyed:
        parameters["dry_run"] = {"type": "boolean", "default": False, "description": "Answer with the plan only."}
    return [{"name": name, "in": "query", "schema": schema} for name, schema in parameters.items()]


def _header_parameters(route: Route) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    if not route.open:
        found.append(
            {
                "name": "X-Isthmus-Tenant",
                "in": "header",
                "schema": {"type": "string"},
                "description": "The tenant (id or name) that an administrator acts for.",
            }
        )
    if route.keyed:
        found.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}})
    if route.conditional:
        found.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    return found


def _responses(route: Route) -> Mapping[str, Any]:
    success: dict[str, Any] = {"description": route.summary, "headers": {"X-Openstack-Request-Id": _REQUEST_ID}}
    if route.response is not None:
        schema: Any = {"$ref": f"#/components/schemas/{route.response}"}
        if route.listed:
            schema = {
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": schema},
                    "next": {"type": ["string", "null"]},
                    "total": {"type": "integer"},
                },
            }
        success["content"] = {"application/json": {"schema": schema}}
    responses = {str(route.status): success}
    if route.keyed:
        responses["200"] = {**success, "description": "The plan of a dry run."}
    statuses = [400, 401, 403, 404, 503] if not route.open else [503]
    statuses += [409] if route.method != "GET" else []
    statuses += [412] if route.conditional else []
    statuses += [422, 501] if route.keyed else []
    for status in statuses:
        responses.setdefault(
            str(status),
            {
                "description": TITLES[status],
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
            },
        )
    return responses


_REQUEST_ID = {"$ref": "#/components/headers/RequestId"}


def _headers() -> Mapping[str, Any]:
    return {"RequestId": {"description": "Names this request in messages and logs.", "schema": {"type": "string"}}}


def _security() -> Mapping[str, Any]:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "A token from `isthmus token create`."},
        "password": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
    }
