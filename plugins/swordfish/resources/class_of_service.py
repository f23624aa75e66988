"""Classes of service: profiles, as lines of service say them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ....core.errors import NotFound
from ....core.model.profile import Profile
from ....core.model.request import ProfileRequest
from .. import uris
from ..classes.class_mapping import KINDS, SCHEMAS, Line, Properties, line_meant
from ..classes.offered_classes import change, find, require_own, window
from ..identifiers import identifier
from ..protocol.messages import said
from ..protocol.refusal import Refusal, refuse
from ..protocol.request import Request
from ..protocol.resource import SNIA, Body, Collection, Creation, JsonSchema, Property, Read, Resource
from ..protocol.values import check_parts
from ..uris import link
from .line_of_service import Shown
from .storage_service import load as load_service

_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_DESCRIPTION = {"type": "string", "maxLength": 1000}
_PASSED_OVER: Mapping[str, JsonSchema] = {name: {} for name in ("Id", "ClassOfServiceVersion", "Identifier")}
"""What a class has that was read, and the new one has otherwise."""
_LINES: Mapping[str, JsonSchema] = {
    kind: {"type": "array", "maxItems": len(lines), "items": {"type": "object"}} for kind, lines in KINDS.items()
}


def _links(kind: str) -> Read:
    def read(profile: Profile, request: Request) -> Any:
        tenant = request.params["tenant"]
        return [
            link(uris.line_of_service(tenant, profile.id, kind, line.id))
            for line in KINDS[kind]
            if line.said(profile.properties)
        ] or None

    return read


def _create(request: Request, values: Mapping[str, Any]) -> str:
    tenant = request.params["tenant"]
    profile = request.tenant_storage.profiles.create(
        ProfileRequest(
            name=values["Name"],
            description=values.get("Description", ""),
            properties=_with_lines(request, {}, values),
            tenants=(tenant,),
        )
    )
    return uris.class_of_service(tenant, profile.id)


def _update(request: Request, profile: Profile, changes: Mapping[str, Any]) -> None:
    change(request, profile, lambda properties: _with_lines(request, properties, changes))


def _delete(request: Request, profile: Profile) -> None:
    require_own(request, profile)
    request.tenant_storage.profiles.delete(profile.id, if_version=request.expected(profile))


def _with_lines(request: Request, properties: Properties, values: Mapping[str, Any]) -> Properties:
    """The profile's sections with the lines of these kinds in them, and no others of these kinds."""
    for kind, lines in KINDS.items():
        if kind not in values:
            continue
        wanted = _wanted(request, kind, values[kind])
        for line in lines:
            try:
                properties = line.replaced(properties, wanted.get(line.id))
            except ValueError as fault:
                raise refuse(400, "PropertyValueError", kind, related=(f"/{kind}",), resolution=str(fault)) from None
    return properties


def _wanted(request: Request, kind: str, elements: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What is to be in each line, by its id: what a link leads to, overlaid with what stands beside it."""
    wanted: dict[str, Mapping[str, Any]] = {}
    for number, element in enumerate(elements):
        place = f"{kind}/{number}"
        known = _linked(request, kind, f"/{place}", element["@odata.id"]) if "@odata.id" in element else None
        line: Line = line_meant(kind, element) if known is None else known.line
        check_parts({place: element}, {place: SCHEMAS[line.id]})
        if line.id in wanted:
            text = f"A class has one line of service {line.name} at most."
            raise refuse(400, "PropertyValueError", place, related=(f"/{place}",), resolution=text)
        wanted[line.id] = {**({} if known is None else known.said), **element}
    return wanted


def _linked(request: Request, kind: str, pointer: str, uri: Any) -> Shown:
    """The line of service at a URI; refuses with 400 one that is none of this kind."""
    found = request.service.router.find(uri) if isinstance(uri, str) else None
    if found is not None and isinstance(found[0], Resource) and found[0].type == KINDS[kind][0].type:
        with suppress(NotFound):
            shown: Shown = found[0].load(request.at(uri, found[1]))
            return shown
    raise Refusal(400, [said("ResourceMissingAtURI", str(uri)[:200], related=(pointer,))])


CLASS_OF_SERVICE = Resource(
    type="ClassOfService",
    version="v1_2_0",
    publisher=SNIA,
    path=uris.class_of_service("{tenant}", "{profile}"),
    load=find,
    id_of=lambda profile: str(profile.id),
    name=lambda profile, request: profile.name,
    update=_update,
    delete=_delete,
    properties=(
        Property("Description", lambda profile, request: profile.description or None),
        Property("ClassOfServiceVersion", lambda profile, request: f"{profile.version}.0.0"),
        Property("Identifier", lambda profile, request: identifier(profile.id)),
        *(Property(kind, _links(kind), write=schema) for kind, schema in _LINES.items()),
    ),
)


def _list(request: Request, after: str | None, limit: int) -> Any:
    load_service(request)
    return window(request, after, limit)


CLASSES_OF_SERVICE = Collection(
    type="ClassOfServiceCollection",
    publisher=SNIA,
    path=uris.classes_of_service("{tenant}"),
    name="Classes of service",
    member=CLASS_OF_SERVICE,
    list=_list,
    uri_of=lambda uri, request: str(uri),
    creation=Creation(
        Body(
            {"Name": _NAME, "Description": _DESCRIPTION, **_LINES, **_PASSED_OVER},
            required=("Name",),
            core={"name": "/Name", "description": "/Description"},
        ),
        _create,
    ),
)

SERVED = (CLASSES_OF_SERVICE, CLASS_OF_SERVICE)
