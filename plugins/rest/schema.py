"""The JSON Schemas of the API: files of draft 2020-12, compiled once, the single source of what a body may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from ...core.errors import Invalid

_FOLDER = "schemas"
_MOST_FAULTS = 5


@cache
def schemas() -> Mapping[str, Mapping[str, Any]]:
    """All schemas by name (`volume-request` for `schemas/volume-request.json`)."""
    folder = resources.files(__package__).joinpath(_FOLDER)
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".json"):
            found[entry.name.removesuffix(".json")] = json.loads(entry.read_text(encoding="utf-8"))
    return found


@cache
def _registry() -> Registry[Any]:
    loaded = ((f"{name}.json", Resource.from_contents(schema)) for name, schema in schemas().items())
    return Registry().with_resources(loaded)


@cache
def validator(name: str) -> Draft202012Validator:
    """The compiled validator of one schema."""
    return Draft202012Validator(schemas()[name], registry=_registry(), format_checker=FormatChecker())


def check(name: str, body: Any) -> None:
    """Raise `Invalid` naming the first faults, with JSON pointers, when `body` does not satisfy the schema."""
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.", next_step="Send Content-Type: application/json.")
    faults = []
    for error in validator(name).iter_errors(body):
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        faults.append({"pointer": pointer or "/", "fault": _said(error)})
        if len(faults) == _MOST_FAULTS:
            break
    if faults:
        first = faults[0]
        raise Invalid(
            f"{first['pointer']}: {first['fault']}",
            next_step="See the API's schemas under /v1/openapi.json.",
            faults=faults,
        )


def _said(error: Any) -> str:
    """The fault without repeating the value, which may be long or a secret."""
    if error.validator == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema.get("properties", ())))
        return f"unknown: {', '.join(str(name)[:60] for name in extra[:5])}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"missing: {', '.join(missing)}"
    if error.validator == "type":
        wanted = error.validator_value
        return f"must be of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
    if error.validator in ("enum", "const"):
        return f"must be one of {json.dumps(error.validator_value)}"
    return f"must satisfy {error.validator} {json.dumps(error.validator_value)[:200]}"
