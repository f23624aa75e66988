"""What OData clients ask first: the metadata and the service document (DSP0266, OData documents).

Both are made of what is served, so neither names a type that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from .. import uris
from ..protocol.request import Request
from ..protocol.resource import DMTF, Collection, Endpoint, Resource, Served
from ..protocol.response import Response, json_text
from .service_root import SERVICE_ROOT

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">\n'
)
_CONTAINER = (
    "  <edmx:DataServices>\n"
    '    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">\n'
    f'      <EntityContainer Name="Service" Extends="ServiceRoot.{SERVICE_ROOT.version}.ServiceContainer"/>\n'
    "    </Schema>\n"
    "  </edmx:DataServices>\n"
    "</edmx:Edmx>\n"
)


def metadata(served: Sequence[Served]) -> Endpoint:
    """`$metadata`: where the CSDL of each type is that some resource has."""
    kinds = {(one.type, one.publisher) for one in served if isinstance(one, Resource | Collection)}
    kinds |= {("Message", DMTF), ("Resource", DMTF)}
    versions = {one.type: one.version for one in served if isinstance(one, Resource)}
    lines = [_reference(f"{DMTF}/RedfishExtensions_v1.xml", ("RedfishExtensions.v1_0_0", "Redfish"))]
    for kind, publisher in sorted(kinds):
        spaces = [(kind, "")] + ([(f"{kind}.{versions[kind]}", "")] if kind in versions else [])
        lines.append(_reference(f"{publisher}/{kind}_v1.xml", *spaces))
    text = (_HEAD + "".join(lines) + _CONTAINER).encode()

    def get(request: Request) -> Response:
        return Response(200, text, type="application/xml;charset=utf-8")

    return Endpoint(path=f"{uris.ROOT}/$metadata", handlers={"GET": get}, open=True)


def _reference(uri: str, *spaces: tuple[str, str]) -> str:
    included = "".join(
        f"    <edmx:Include Namespace={quoteattr(space)}{f' Alias={quoteattr(alias)}' if alias else ''}/>\n"
        for space, alias in spaces
    )
    return f"  <edmx:Reference Uri={quoteattr(uri)}>\n{included}  </edmx:Reference>\n"


def _service_document(request: Request) -> Response:
    names = ((one.name, one.read(None, request)) for one in SERVICE_ROOT.properties)
    entries = [
        {"name": name, "kind": "Singleton", "url": value["@odata.id"]}
        for name, value in names
        if isinstance(value, dict) and set(value) == {"@odata.id"}
    ]
    root = {"name": "Service", "kind": "Singleton", "url": f"{uris.ROOT}/"}
    return Response(200, json_text({"@odata.context": f"{uris.ROOT}/$metadata", "value": [root, *entries]}))


SERVICE_DOCUMENT = Endpoint(path=f"{uris.ROOT}/odata", handlers={"GET": _service_document}, open=True)
