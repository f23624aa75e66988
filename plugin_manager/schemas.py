"""JSON Schemas of settings and inputs: what does not fit, which are secret, which have defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fault(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with `document`, as a sentence that repeats no secret; empty when it fits `schema`."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(document))
    if error is None:
        return ""
    place = ".".join(str(part) for part in error.absolute_path)
    hidden = error.absolute_path and error.absolute_path[0] in secret_names(schema)
    text = "is not usable" if hidden else error.message
    return f"{place}: {text}" if place else text


def secret_names(schema: Mapping[str, Any]) -> frozenset[str]:
    """The properties that say `writeOnly: true`."""
    properties = schema.get("properties", {})
    return frozenset(name for name, part in properties.items() if isinstance(part, Mapping) and part.get("writeOnly"))


def complete(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """`document` with the defaults of the properties that it lacks."""
    properties = schema.get("properties", {})
    defaults = {
        name: part["default"] for name, part in properties.items() if isinstance(part, Mapping) and "default" in part
    }
    return {**defaults, **document}
