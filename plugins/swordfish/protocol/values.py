"""Checking what clients send against JSON Schemas, and saying in Redfish's words what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..maintenance.tenant_windows import AT_WINDOW, IMMEDIATE
from .messages import said
from .refusal import Refusal
from .request import APPLY_TIME
from .resource import Body, JsonSchema, Property

_LONGEST_SHOWN = 100
_HIDDEN = "******"
_APPLY_TIMES = {APPLY_TIME: (), "@Redfish.SettingsApplyTime": ("ApplyTime",)}
"""Annotations that say when a change is to be made, and where in them that stands."""
_DEMANDS = frozenset({"@Redfish.MaintenanceWindow"})
"""Annotations that ask for something: they are properties to whoever has them, and unknown to all others."""

_CHECKERS: dict[int, tuple[JsonSchema, Draft202012Validator]] = {}

# What JSON Schema's keyword says of a value, and the rest of the message's name for it.
_FAULTS = {
    "type": "ValueTypeError",
    "enum": "ValueNotInList",
    "const": "ValueNotInList",
    "minimum": "ValueOutOfRange",
    "maximum": "ValueOutOfRange",
    "exclusiveMinimum": "ValueOutOfRange",
    "pattern": "ValueFormatError",
    "format": "ValueFormatError",
    "minLength": "ValueFormatError",
    "maxLength": "ValueFormatError",
    "multipleOf": "ValueOutOfRange",
}
_LIMITS = {"minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}"}


def check_creation(body: Mapping[str, Any], wanted: Body) -> dict[str, Any]:
    """The properties of a POST to a collection, without annotations; refuses with 400 and all that is wrong."""
    values = _plain(body, wanted.later)
    messages = [
        said("CreateFailedMissingReqProperties", name, related=(f"/{name}",))
        for name in wanted.required
        if name not in values
    ]
    messages += _faults(values, wanted.properties)
    if messages:
        raise Refusal(400, messages)
    return values


def check_parameters(body: Mapping[str, Any], wanted: Body, action: str) -> dict[str, Any]:
    """The parameters of an action, without annotations; refuses with 400 and all that is wrong."""
    values = _plain(body, wanted.later)
    messages = [said("ActionParameterMissing", action, name) for name in wanted.required if name not in values]
    messages += _faults(values, wanted.properties, action)
    if messages:
        raise Refusal(400, messages)
    return values


def check_parts(values: Mapping[str, Any], schemas: Mapping[str, JsonSchema]) -> None:
    """Check parts of a body, each by its place in it (`Lines/0`); refuses with 400 and all that is wrong.

    For what depends on other parts of the body. The schemas must live as long as the process.
    """
    messages = _faults(values, schemas)
    if messages:
        raise Refusal(400, messages)


def check_changes(
    body: Mapping[str, Any], properties: Sequence[Property], current: Mapping[str, Any], *, later: bool = False
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The acceptable part of a PATCH and messages about the rest (DSP0266, PATCH).

    Objects keep only what was sent; arrays come whole, merged with the current ones. Refuses with 400 when nothing is
    acceptable: `NoOperation` where nothing was asked for, else what is wrong.
    """
    writable = {one.name: one.write for one in properties if one.write is not None}
    shown = {one.name for one in properties} | {"Id", "Name", "Actions"}
    changes: dict[str, Any] = {}
    messages: list[dict[str, Any]] = []
    for name, value in _plain(body, later).items():
        schema = writable.get(name)
        if schema is not None:
            merged = _merged(current.get(name), value)
            faults = _faults({name: merged}, {name: schema})
            messages += faults
            if not faults:
                changes[name] = merged
        elif name in shown or name in current:
            messages.append(said("PropertyNotWritable", name, related=(f"/{name}",)))
        else:
            messages.append(said("PropertyUnknown", name[:_LONGEST_SHOWN], related=(f"/{name[:_LONGEST_SHOWN]}",)))
    if not changes:
        raise Refusal(400, messages or [said("NoOperation")])
    return changes, messages


def check_apply_times(body: Mapping[str, Any], later: bool) -> None:
    """Refuse an apply time that is not offered; `later` says that the maintenance window is."""
    for annotation, place in _APPLY_TIMES.items():
        when = body.get(annotation)
        for name in place:
            when = when.get(name, "") if isinstance(when, Mapping) else when
        if when is not None and when != IMMEDIATE and not (later and annotation == APPLY_TIME and when == AT_WINDOW):
            where = "/".join((annotation, *place))
            raise Refusal(400, [said("PropertyValueNotInList", _shown(when), where, related=(f"/{where}",))])


def _plain(body: Mapping[str, Any], later: bool) -> dict[str, Any]:
    """The body without annotations that say nothing about the resource."""
    check_apply_times(body, later)
    return {name: value for name, value in body.items() if "@" not in name or name in _DEMANDS}


def _merged(current: Any, given: Any) -> Any:
    """What an array becomes (DSP0266, PATCH on array properties): null removes, `{}` keeps, the rest is cut off."""
    if isinstance(given, Mapping):
        had = current if isinstance(current, Mapping) else {}
        return {name: _merged(had.get(name), value) for name, value in given.items()}
    if not isinstance(given, list):
        return given
    before = current if isinstance(current, list) else []
    after = []
    for number, element in enumerate(given):
        old = before[number] if number < len(before) else None
        if element is None:
            continue
        if isinstance(element, Mapping) and isinstance(old, Mapping):
            after.append({**old, **_merged(old, element)})
        elif element == {}:
            after += [] if old is None else [old]
        else:
            after.append(element)
    return after


def _faults(values: Mapping[str, Any], schemas: Mapping[str, JsonSchema], action: str = "") -> list[dict[str, Any]]:
    """What is wrong with the values; of one value the first fault only."""
    messages = []
    for name, value in values.items():
        schema = schemas.get(name)
        if schema is None:
            shown = name[:_LONGEST_SHOWN]
            if action:
                messages.append(said("ActionParameterUnknown", action, shown))
            else:
                messages.append(said("PropertyUnknown", shown, related=(f"/{shown}",)))
            continue
        if schema.get("readOnly"):
            advice = schema.get("description")
            messages.append(said("PropertyNotWritable", name, related=(f"/{name}",), resolution=advice))
            continue
        fault = next(_checker(schema).iter_errors(value), None)
        if fault is not None:
            messages.append(_said_of(fault, name, action))
    return messages


def _checker(schema: JsonSchema) -> Draft202012Validator:
    found = _CHECKERS.get(id(schema))
    if found is None:
        # Declared schemas live as long as the process; keeping this one makes sure that its id stays its own.
        found = _CHECKERS[id(schema)] = (schema, Draft202012Validator(schema))
    return found[1]


def _said_of(fault: ValidationError, name: str, action: str) -> dict[str, Any]:
    path = [name, *(str(part) for part in fault.absolute_path)]
    instance: Any = fault.instance
    schema: Any = fault.schema
    if fault.validator == "additionalProperties":
        path.append(next((str(key) for key in instance if key not in schema.get("properties", {})), ""))
        if not action:
            return said("PropertyUnknown", "/".join(path), related=("/" + "/".join(path),))
    if fault.validator == "required" and not action:
        path.append(next(str(key) for key in schema["required"] if key not in instance))
        return said("PropertyMissing", "/".join(path), related=("/" + "/".join(path),))
    where = "/".join(path)
    if fault.validator in ("maxItems", "minItems"):
        # Said of a property and of a parameter alike.
        size = "ArraySizeTooLong" if fault.validator == "maxItems" else "ArraySizeTooShort"
        return said(size, where, str(fault.validator_value), related=() if action else ("/" + where,))
    ending = _FAULTS.get(str(fault.validator))
    secret = isinstance(schema, Mapping) and schema.get("writeOnly", False)
    value = _HIDDEN if secret else _shown(fault.instance)
    if ending is None:
        if action:
            return said("ActionParameterValueError", where, action, resolution=fault.message[:200])
        return said("PropertyValueError", where, related=("/" + where,), resolution=fault.message[:200])
    advice = _range(schema) if ending == "ValueOutOfRange" else None
    if action:
        return said(f"ActionParameter{ending}", value, where, action, resolution=advice)
    return said(f"Property{ending}", value, where, related=("/" + where,), resolution=advice)


def _range(schema: JsonSchema) -> str:
    """What numbers a schema takes, in a sentence."""
    bounds = [words.format(schema[name]) for name, words in _LIMITS.items() if name in schema]
    steps = [f"a multiple of {schema['multipleOf']}"] if schema.get("multipleOf", 1) != 1 else []
    return f"Send a number that is {' and '.join(bounds + steps)}."


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:_LONGEST_SHOWN]
