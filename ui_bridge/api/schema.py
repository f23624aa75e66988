"""What an action takes, with titles and notes in the reader's language, for the dialog that is made of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .exchange import Exchange


def localised(x: Exchange, action: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with `title` and `description` of every property (`input.ACTION.FIELD`, else `input.FIELD`, with `.note`),
    and `x-titles` for the values of an enum that have texts (`.value.VALUE`). Objects within are treated likewise,
    their fields by the path: `input.ACTION.FIELD.INNER`."""
    found = copy.deepcopy(dict(schema))
    _properties(x, found, (f"input.{action}.", "input."))
    return found


def _properties(x: Exchange, schema: dict[str, Any], beginnings: tuple[str, ...]) -> None:
    for name, part in schema.get("properties", {}).items():
        keys = tuple(f"{beginning}{name}" for beginning in beginnings)
        part["title"] = x.first(*keys) or name
        note = x.first(*(f"{key}.note" for key in keys))
        if note is not None:
            part["description"] = note
        values = part.get("enum") or part.get("items", {}).get("enum") or ()
        titles = {str(value): text for value in values if (text := x.first(*(f"{key}.value.{value}" for key in keys)))}
        if titles:
            part["x-titles"] = titles
        for inner in (part, part.get("items")):
            if isinstance(inner, dict):
                _properties(x, inner, tuple(f"{key}." for key in keys))
