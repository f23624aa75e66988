"""Lines of service: the parts of a class of service, each a part of its profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import NotFound
from ....core.model.profile import Profile
from .. import uris
from ..classes.class_mapping import KINDS, SCHEMAS, Line, Properties
from ..classes.offered_classes import change, find
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import SNIA, JsonSchema, Property, Read, Resource
from ..protocol.values import check_parts


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of a profile with what it says."""

    line: Line
    profile: Profile
    said: Mapping[str, Any]

    @property
    def version(self) -> int:
        return self.profile.version


def _load(kind: str) -> Callable[[Request], Shown]:
    def load(request: Request) -> Shown:
        profile = find(request)
        line = next((one for one in KINDS[kind] if one.id == request.params["line"]), None)
        said = {} if line is None else line.said(profile.properties)
        if line is None or not said:
            raise NotFound(f"The class {profile.name} has no such line of service.")
        return Shown(line, profile, said)

    return load


def _update(request: Request, shown: Shown, changes: Mapping[str, Any]) -> None:
    line = shown.line
    known = {one.name for one in line.fields} | set(line.constant)
    check_parts(changes, {name: SCHEMAS[line.id]["properties"][name] for name in changes if name in known})

    def made_of(properties: Properties) -> Properties:
        made = _changed(line, properties, changes)
        if not line.said(made):
            raise refuse(400, "GeneralError", resolution="Nothing would be left of the line; delete it instead.")
        return made

    change(request, shown.profile, made_of)


def _changed(line: Line, properties: Properties, values: Mapping[str, Any]) -> Properties:
    """The profile's sections with new values of a line; refuses with 400 those that a profile cannot hold."""
    for name, value in values.items():
        try:
            properties = line.changed(properties, {name: value})
        except ValueError as fault:
            raise refuse(400, "PropertyValueError", name, related=(f"/{name}",), resolution=str(fault)) from None
    return properties


def _delete(request: Request, shown: Shown) -> None:
    change(request, shown.profile, lambda properties: shown.line.replaced(properties, None))


def _resource(kind: str, lines: tuple[Line, ...]) -> Resource:
    written: dict[str, list[JsonSchema]] = {}
    for line in lines:
        for name in (*line.constant, *(one.name for one in line.fields)):
            written.setdefault(name, []).append(SCHEMAS[line.id]["properties"][name])
    return Resource(
        type=lines[0].type,
        version=lines[0].version,
        publisher=SNIA,
        path=uris.line_of_service("{tenant}", "{profile}", kind, "{line}"),
        load=_load(kind),
        id_of=lambda shown: str(shown.line.id),
        name=lambda shown, request: shown.line.name,
        update=_update,
        delete=_delete,
        properties=(
            Property(
                "Description",
                lambda shown, request: shown.line.note(shown.profile.properties, shown.profile.unenforced),
            ),
            # Where lines differ in what they take, `_update` looks again at what is right for this one.
            *(Property(name, _read(name), write=_any_of(schemas)) for name, schemas in written.items()),
        ),
    )


def _read(name: str) -> Read:
    return lambda shown, request: shown.said.get(name)


def _any_of(schemas: list[JsonSchema]) -> JsonSchema:
    return schemas[0] if all(schema == schemas[0] for schema in schemas) else {}


SERVED = tuple(_resource(kind, lines) for kind, lines in KINDS.items())
