"""The JSON Schemas of the API: files of draft 2020-12, compiled once, the single source of what a body may be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from referencing import Registry, Resource

from ...core.errors import Invalid

_FOLDER = "schemas"
_MOST_FAULTS = 5

# JSON Schema calls 1.0 an integer too; nothing below this plugin does.
_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


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
def validator(name: str) -> Any:
    """The compiled validator of one schema."""
    return _Validator(schemas()[name], registry=_registry())


def checker(name: str) -> Callable[[Mapping[str, Any]], None]:
    """A function that raises `Invalid` when a body does not satisfy the schema.

    The error names the first faults with JSON pointers, and never repeats a value.
    """
    faults_of = validator(name).iter_errors

    def check(body: Mapping[str, Any]) -> None:
        faults = [
            {"pointer": _pointer(error), "fault": _said(error)} for error in islice(faults_of(body), _MOST_FAULTS)
        ]
        if faults:
            first = faults[0]
            raise Invalid(
                f"{first['pointer']}: {first['fault']}",
                next_step="See the API's schemas under /v1/openapi.json.",
                faults=faults,
            )

    return check


def _pointer(error: Any) -> str:
    return "".join(f"/{part}" for part in error.absolute_path)[:200] or "/"


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
    if error.validator == "pattern" and "description" in error.schema:
        return f"must be as described: {error.schema['description']}"
    return f"must satisfy {error.validator} {json.dumps(error.validator_value)[:200]}"
