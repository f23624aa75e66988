"""The schema files say exactly what the nouns are, and say it to people too."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from isthmus.core.context import Context
from isthmus.core.model import request as wanted
from isthmus.core.model.attachment import Attachment, Connection
from isthmus.core.model.backend import Backend
from isthmus.core.model.codec import from_json
from isthmus.core.model.description import Description, Explanation, Extension, Finding, Trial
from isthmus.core.model.event import Event
from isthmus.core.model.host import Host, Initiator
from isthmus.core.model.measurement import Measurement
from isthmus.core.model.message import Message
from isthmus.core.model.opensds import OPENSDS_NAMES
from isthmus.core.model.operation import Operation
from isthmus.core.model.pool import Pool
from isthmus.core.model.profile import Profile
from isthmus.core.model.snapshot import Snapshot
from isthmus.core.model.system import System
from isthmus.core.model.tenant import Limit, Role, Tenant, Token, User
from isthmus.core.model.volume import Volume
from isthmus.plugins.rest.schema import checker, schemas, validator

NOUNS: Mapping[str, type] = {
    kind.__name__.lower(): kind
    for kind in (
        Attachment,
        Backend,
        Connection,
        Description,
        Event,
        Explanation,
        Extension,
        Finding,
        Host,
        Initiator,
        Limit,
        Measurement,
        Message,
        Operation,
        Pool,
        Profile,
        Snapshot,
        System,
        Tenant,
        Token,
        Trial,
        User,
        Volume,
    )
}
REQUESTS: Mapping[str, type] = {
    "volume-request": wanted.VolumeRequest,
    "snapshot-request": wanted.SnapshotRequest,
    "host-request": wanted.HostRequest,
    "initiator-request": Initiator,
    "attachment-request": wanted.AttachmentRequest,
    "chap-credential": wanted.ChapCredential,
    "backend-request": wanted.BackendRequest,
    "system-request": wanted.SystemRequest,
    "profile-request": wanted.ProfileRequest,
    "tenant-request": wanted.TenantRequest,
    "user-request": wanted.UserRequest,
    "token-request": wanted.TokenRequest,
}
OTHER_FORMS: Mapping[str, frozenset[str]] = {"profile-request": OPENSDS_NAMES}
"""Names with which a request may say the same in another form."""
CHANGES = sorted(name for name in schemas() if name.endswith("-changes") and name != "extension-changes")
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def types_of(hint: Any) -> set[str]:
    """The JSON types of values of a field."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return set().union(*(types_of(option) for option in get_args(hint)))
    if hint is type(None):
        return {"null"}
    if hint in PLAIN:
        return {PLAIN[hint]}
    if origin is not None and issubclass(origin, Mapping):
        return {"object"}
    if origin is not None and issubclass(origin, Sequence):
        return {"array"}
    if issubclass(hint, datetime | Enum):
        return {"string"}
    assert is_dataclass(hint), hint
    return {"object"}


def declared(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that a schema allows."""
    if "$ref" in schema:
        return declared(schemas()[schema["$ref"].removesuffix(".json")])
    if "enum" in schema:
        return {"string"} if all(isinstance(value, str) for value in schema["enum"]) else set()
    kinds = schema["type"]
    return {kinds} if isinstance(kinds, str) else set(kinds)


def needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def walk(schema: Any, place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All schemas inside a schema, with where they are."""
    if isinstance(schema, Mapping):
        yield place, schema
        for name, inner in schema.get("properties", {}).items():
            yield from walk(inner, f"{place}/{name}")
        for keyword in ("items", "additionalProperties"):
            yield from walk(schema.get(keyword), f"{place}/{keyword}")


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_schema_is_a_schema_under_its_own_name(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.json"
    assert schema["title"]
    for place, part in walk(schema):
        if "$ref" in part:
            assert part["$ref"].removesuffix(".json") in schemas(), place


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_property_says_what_it_means(name: str) -> None:
    silent = [
        f"{place}/{property}"
        for place, part in walk(schemas()[name])
        for property, schema in part.get("properties", {}).items()
        if not schema.get("description", "").strip()
    ]
    assert silent == []


@pytest.mark.parametrize("name", sorted(NOUNS))
def test_a_noun_has_the_fields_that_its_schema_requires(name: str) -> None:
    schema, noun = schemas()[name], NOUNS[name]
    hints = get_type_hints(noun)
    names = {field.name for field in fields(noun)}
    assert set(schema["properties"]) == set(schema["required"]) == names
    for field in names:
        assert declared(schema["properties"][field]) == types_of(hints[field]), field


@pytest.mark.parametrize("name", sorted(NOUNS))
def test_states_and_modes_are_those_of_the_noun(name: str) -> None:
    schema, noun = schemas()[name], NOUNS[name]
    for field, hint in get_type_hints(noun).items():
        if isinstance(hint, type) and issubclass(hint, Enum):
            assert schema["properties"][field]["enum"] == [member.value for member in hint], field


def test_the_context_is_what_whoami_says() -> None:
    said = Context("t", "u", frozenset({"member"})).to_json()
    assert set(schemas()["context"]["required"]) == set(said)
    assert validator("context").is_valid(said)


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_a_request_fits_its_class(name: str) -> None:
    schema, kind = schemas()[name], REQUESTS[name]
    hints = get_type_hints(kind)
    assert schema["additionalProperties"] is False
    other = OTHER_FORMS.get(name, frozenset())
    assert set(schema["properties"]) == {field.name for field in fields(kind)} | other
    assert set(schema.get("required", ())) == {field.name for field in fields(kind) if needed(field)}
    for field in set(schema["properties"]) - other:
        assert declared(schema["properties"][field]) <= types_of(hints[field]), field


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_of_what_can_be_changed(name: str) -> None:
    schema, hints = schemas()[name], get_type_hints(wanted.Changes)
    assert schema["additionalProperties"] is False
    assert "required" not in schema
    assert schema["minProperties"] == 1
    for field, part in schema["properties"].items():
        assert declared(part) <= types_of(hints[field]), field


@pytest.mark.parametrize("name", sorted(name for name, schema in schemas().items() if "examples" in schema))
def test_examples_can_be_sent(name: str) -> None:
    for example in schemas()[name]["examples"]:
        checker(name)(example)
        if name in REQUESTS:
            from_json(REQUESTS[name], example)


@pytest.mark.parametrize("name", sorted(name for name in schemas() if name.endswith(("-request", "-changes", "-call"))))
def test_every_request_has_an_example(name: str) -> None:
    assert schemas()[name]["examples"]


def test_roles_are_those_there_are() -> None:
    roles = [role.value for role in Role]
    for name in ("user-request", "user-changes", "token-request"):
        assert schemas()[name]["properties"]["roles"]["items"]["enum"] == roles


def test_sizes_are_said_to_be_bytes() -> None:
    sizes = {"size", "reserved", "total", "used", "ours", "provisioned", "granularity", "bytes", "max_bytes"}
    for name, schema in schemas().items():
        for property, part in schema.get("properties", {}).items():
            if property in sizes and "integer" in declared(part):
                assert "bytes" in part["description"].lower(), f"{name}: {property}"
