"""The OpenAPI 3.1 document, assembled from the routes and the schema files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

A change is accepted with 202 and an operation; wait for it with `GET /v1/operations/{id}?wait=30`. Send an \
`Idempotency-Key` and the same request can be repeated safely. `?dry_run=true` answers with the plan and changes \
nothing. `If-Match` with an ETag makes a change conditional.

Errors are problem documents (RFC 9457) with a code, a sentence and, where possible, the next thing to do; \
`request_id` finds everything that belongs to a request (`GET /v1/explanations/{request_id}`).

Sizes are in bytes, times in UTC (RFC 3339). Lists have pages: pass `next` as `cursor`."""
_TAGS: Mapping[str, str] = {
    "service": "What this server is, how it is, and what is installed in it.",
    "volumes": "Block storage that a tenant was promised, wherever its bytes are.",
    "snapshots": "The content of a volume at one moment.",
    "attachments": "One volume made reachable for one host.",
    "hosts": "Machines that use storage, with the names under which they speak a protocol.",
    "pools": "Where back ends offer room.",
    "profiles": "What is wanted of storage, said once by an administrator.",
    "operations": "Journaled changes: each ends well, is taken back, or says what it needs.",
    "messages": "What failed or should be known, said to the people it concerns.",
    "events": "What became true, in order and without holes.",
    "tenants": "Owners of resources, kept apart from each other, with what they use and may use.",
    "users": "Those who sign in.",
    "tokens": "Credentials for programs.",
    "backends": "Configured drivers.",
    "systems": "Configured adapters: other storage systems that plugins reach.",
    "actions": "What plugins can do to things.",
}
_PARTS: Mapping[str, str] = {
    "volume": "The volume's id.",
    "snapshot": "The snapshot's id.",
    "attachment": "The attachment's id.",
    "host": "The host's id.",
    "pool": "The pool's id.",
    "profile": "The profile's id or name.",
    "operation": "The operation's id.",
    "request_id": "The id in an answer's X-Openstack-Request-Id header, or an operation's id.",
    "tenant": "The tenant's id or name.",
    "user": "The user's id or name.",
    "token": "The token's id, never its text.",
    "backend": "The back end's id or name.",
    "system": "The system's id or name.",
    "namespace": "plugins, adapters, drivers, targets, filters, weighers or dispatchers.",
    "name": "The extension's name.",
    "plugin": "The name of the plugin that offers the action.",
    "field": "The property of the action's input.",
    "action": "The action's id.",
}
_HEADERS: Mapping[str, str] = {
    "RequestId": "Names this request in operations, messages, events and logs.",
    "ETag": "The version; send it as If-Match to change only what you saw, as If-None-Match to read only what is new.",
    "Location": "Where the new thing, or the operation, can be read.",
}


def document(routes: Sequence[Route]) -> Mapping[str, Any]:
    """The whole document for these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    used = {route.tag for route in routes}
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
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
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
        needed = bool(schemas()[route.request].get("required"))
        described["requestBody"] = {"required": needed, "content": {"application/json": _schema(route.request)}}
    return described


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _path_parameters(route: Route) -> list[Mapping[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARTS[name],
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[Mapping[str, Any]]:
    parameters = dict(route.parameters)
    if route.keyed:
        parameters["dry_run"] = {
            "type": "boolean",
            "default": False,
            "description": "Answer with the plan and change nothing.",
        }
    return [
        {
            "name": name,
            "in": "query",
            "description": schema["description"],
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in parameters.items()
    ]


def _header_parameters(route: Route) -> list[Mapping[str, Any]]:
    found: list[tuple[str, Mapping[str, Any], str]] = []
    if not route.open:
        text = "The tenant (id or name) that an administrator acts for."
        found.append(("X-Isthmus-Tenant", {"type": "string"}, text))
    if route.keyed:
        text = "Repeat a request with the same key and you get the same operation; another request with it is refused."
        found.append(("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 200}, text))
    if route.conditional:
        text = "An ETag as this API gave it: only that version is changed (412 otherwise)."
        found.append(("If-Match", {"type": "string"}, text))
    if route.method == "GET" and _versioned(route):
        text = "ETags that you have: answered with 304 when one of them is still the version."
        found.append(("If-None-Match", {"type": "string"}, text))
    if route.media == "text/event-stream":
        text = "The number of the last event that you know; goes before `after`."
        found.append(("Last-Event-ID", {"type": "string", "pattern": "^[0-9]+$"}, text))
    return [{"name": name, "in": "header", "description": text, "schema": schema} for name, schema, text in found]


def _responses(route: Route) -> Mapping[str, Any]:
    names = ["RequestId"]
    if route.status in (201, 202) and route.path != "/v1/tokens":
        names.append("Location")
    if _versioned(route):
        names.append("ETag")
    success: dict[str, Any] = {
        "description": _success(route),
        "headers": _named(names),
    }
    content = _content(route)
    if content:
        success["content"] = content
    responses: dict[str, Any] = {str(route.status): success}
    if route.keyed and route.status != 200:
        responses["200"] = {**success, "description": "The plan of a dry run.", "headers": _named(["RequestId"])}
    for status, (schema, text) in route.also.items():
        responses[str(status)] = {**success, "description": text, "content": {"application/json": _schema(schema)}}
    if _versioned(route) and route.method == "GET":
        responses["304"] = {"description": "It is still the version that If-None-Match names."}
    for status in _failures(route):
        responses.setdefault(
            str(status),
            {"description": TITLES[status], "content": {"application/problem+json": _schema("problem")}},
        )
    return responses


def _named(names: Sequence[str]) -> Mapping[str, Any]:
    return {_HEADER_NAMES[name]: {"$ref": f"#/components/headers/{name}"} for name in names}


def _success(route: Route) -> str:
    return {201: "Made.", 202: "Accepted; the operation does it.", 204: "Done."}.get(route.status, route.summary)


def _content(route: Route) -> Mapping[str, Any]:
    if route.media is not None:
        return {route.media: {"schema": {"type": "string"}}}
    if route.response is None:
        return {}
    if not route.listed:
        return {"application/json": _schema(route.response)}
    page = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": _schema(route.response)["schema"]},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page, null on the last."},
            "total": {"type": "integer", "description": "How many there are on all pages."},
        },
    }
    return {"application/json": {"schema": page}}


def _versioned(route: Route) -> bool:
    """Whether the answer has an ETag."""
    if route.listed or route.response is None or route.status == 202:
        return False
    version = schemas()[route.response].get("properties", {}).get("version", {})
    return bool(version.get("type") == "integer")


def _failures(route: Route) -> list[int]:
    """The statuses of the errors that may come, beside what any request may meet (405, 413, 500)."""
    if route.open:
        return [400, 503]
    changes = route.method != "GET"
    return [
        400,
        401,
        403,
        *([404] if "{" in route.path or changes else []),
        *([409] if changes else []),
        *([410] if route.tag == "events" else []),
        *([412] if route.conditional else []),
        *([413, 415] if route.request is not None else []),
        *([422, 501] if route.keyed else []),
        *([502] if changes or route.response == "measurement" else []),
        503,
    ]


_HEADER_NAMES = {"RequestId": "X-Openstack-Request-Id", "ETag": "ETag", "Location": "Location"}


def _headers() -> Mapping[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}


def _security() -> Mapping[str, Any]:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "A token from `isthmus token create`."},
        "password": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
    }
