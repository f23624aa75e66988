"""Checks profile documents against `schema.json`, which is compiled once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..errors import Invalid

_SHOWN = 10


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema (draft 2020-12) of a profile's `properties`."""
    document: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return document


@cache
def _validator(definition: str) -> Draft202012Validator:
    root = schema()
    if definition:
        root = {"$schema": root["$schema"], "$ref": f"#/$defs/{definition}", "$defs": root["$defs"]}
    return Draft202012Validator(root)


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901) from the parts of a path; the whole document is the empty text."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def check(properties: object) -> None:
    """Raise `Invalid` unless `properties` is a document of `schema.json`.

    The message names the first fault; `details["faults"]` lists up to ten as {"path": JSON pointer, "message"}.
    """
    _check(properties, "", "the profile's properties")


def check_protection(document: object) -> None:
    """Raise `Invalid` unless `document` is what a volume may say of its own snapshots; the faults as in `check`."""
    _check(document, "protection", "the volume's protection")


def _check(document: object, definition: str, subject: str) -> None:
    errors = sorted(_validator(definition).iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        raise invalid(subject, [fault for error in errors for fault in _faults(error)])


def invalid(subject: str, faults: list[dict[str, str]]) -> Invalid:
    """The error that tells of `faults`, each {"path": JSON pointer, "message": sentence}."""
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    where = first["path"] or "the document"
    return Invalid(
        f"{subject[0].upper()}{subject[1:]} cannot be used: {where}: {first['message']}{more}",
        next_step="Correct the document at the named paths.",
        faults=faults[:_SHOWN],
    )


def _faults(error: ValidationError) -> Iterable[dict[str, str]]:
    here = list(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = sorted(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else []
        for key in sorted(set(error.instance) - set(known), key=str):
            yield {"path": pointer([*here, key]), "message": f"unknown; known here are {', '.join(known)}"}
        return
    yield {"path": pointer(here), "message": _sentence(error)}


def _sentence(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else list(wanted)
            return f"must be of type {' or '.join(kinds)}, not {_kind(error.instance)}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted))}"
        case "required":
            return error.message
        case "minimum":
            return f"must not be below {wanted}"
        case "maximum":
            return f"must not be above {wanted}"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"is too long: at most {wanted}"
        case "minLength":
            return "must not be empty"
        case "pattern" | "oneOf" if isinstance(error.schema, Mapping) and "description" in error.schema:
            return f"is not of the form wanted: {error.schema['description']}"
        case _:
            # The instance may be large and is the caller's own text: cut it.
            return error.message[:200]


def _kind(value: object) -> str:
    for kind, name in ((bool, "boolean"), (dict, "object"), (list, "array"), (str, "string"), (type(None), "null")):
        if isinstance(value, kind):
            return name
    return "number"
