"""The privilege registry: which privileges which operation needs here (DSP0266, Privilege registry).

It has no `@odata.id`: its schema has none, for it is a document and no resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import uris
from ..accounts.privileges import ALL, PROPERTIES, REGISTRY, Operations
from ..protocol.request import Request
from ..protocol.resource import DMTF, Endpoint
from ..protocol.response import Response, json_text

_VERSION = "v1_2_0"
_ID = uris.PRIVILEGE_REGISTRY.rpartition("/")[2]


def _operation_map(operations: Operations) -> dict[str, Any]:
    return {method: [{"Privilege": sorted(each)} for each in sets] for method, sets in operations.items()}


def _mapping(entity: str, operations: Operations) -> dict[str, Any]:
    mapping: dict[str, Any] = {"Entity": entity, "OperationMap": _operation_map(operations)}
    properties: Mapping[str, Operations] = PROPERTIES.get(entity, {})
    if properties:
        mapping["PropertyOverrides"] = [
            {"Targets": [name], "OperationMap": _operation_map(each)} for name, each in properties.items()
        ]
    return mapping


def document() -> dict[str, Any]:
    """The registry as its schema has it."""
    return {
        "@odata.type": f"#PrivilegeRegistry.{_VERSION}.PrivilegeRegistry",
        "Id": _ID,
        "Name": "Privileges that operations need in Isthmus",
        "PrivilegesUsed": list(ALL),
        "OEMPrivilegesUsed": [],
        "Mappings": [_mapping(entity, operations) for entity, operations in sorted(REGISTRY.items())],
    }


def _read(request: Request) -> Response:
    link = f"<{DMTF}/PrivilegeRegistry.{_VERSION}.json>; rel=describedby"
    return Response(200, json_text(document()), {"Link": link})


PRIVILEGE_REGISTRY = Endpoint(path=uris.PRIVILEGE_REGISTRY, handlers={"GET": _read}, entity="PrivilegeRegistry")

SERVED = (PRIVILEGE_REGISTRY,)
