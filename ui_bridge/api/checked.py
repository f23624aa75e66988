"""The input of an action against its schema: what does not fit, in words, and which field of the dialog it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import Invalid
from ..locale import spoken_size
from .exchange import Exchange


def check_input(x: Exchange, schema: Mapping[str, Any]) -> None:
    """`schema` has its titles (see `localised`). Raises `Invalid` with the field; what was given is not repeated, since
    it may be a secret."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(x.input))
    if error is None:
        return
    path = [str(part) for part in error.absolute_path if isinstance(part, str)]
    if error.validator == "required":
        path += [name for name in error.validator_value if name not in error.instance][:1]
    elif error.validator == "additionalProperties":
        path += sorted(set(error.instance) - set(error.schema.get("properties", {})))[:1]
    field = ".".join(path)
    part = _part(schema, path)
    key = f"invalid.{error.validator}"
    limit = error.validator_value
    if part.get("x-unit") == "bytes" and isinstance(limit, int):
        limit = spoken_size(limit, x.locale)
    elif isinstance(limit, list):
        limit = ", ".join(map(str, limit))
    if not x.surface.texts.has(key):
        key = "invalid.other"
    message = x.text(key, field=part.get("title") or field or "?", limit=limit)
    raise Invalid(message, next_step=part.get("description"), spoken=x.locale, field=field or "input")


def _part(schema: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    """The schema of the property at `path`; an empty one for what is none."""
    found: Mapping[str, Any] = schema
    for name in path:
        inner = found.get("properties") or found.get("items", {}).get("properties") or {}
        found = inner.get(name, {})
    return found
