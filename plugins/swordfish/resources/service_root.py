"""The service root and the version list above it (DSP0266, Service root; Redfish-defined URIs)."""

from __future__ import annotations

from typing import Any

from .. import uris
from ..protocol.options import DEEPEST
from ..protocol.request import Request
from ..protocol.resource import Endpoint, Property, Resource
from ..protocol.response import Response, json_text
from ..protocol.versions import REDFISH
from ..uris import link


def _features(noun: Any, request: Request) -> dict[str, Any]:
    return {
        "ExpandQuery": {"ExpandAll": True, "Levels": True, "Links": True, "MaxLevels": DEEPEST, "NoLinks": True},
        "FilterQuery": True,
        "OnlyMemberQuery": True,
        "SelectQuery": True,
        "TopSkipQuery": True,
        "ExcerptQuery": False,
        "DeepOperations": {"DeepPATCH": False, "DeepPOST": False},
    }


SERVICE_ROOT = Resource(
    type="ServiceRoot",
    version="v1_20_0",
    path=uris.ROOT,
    load=lambda request: None,
    id_of=lambda noun: "RootService",
    name=lambda noun, request: "Isthmus",
    open=True,
    properties=(
        Property("RedfishVersion", lambda noun, request: REDFISH),
        Property("UUID", lambda noun, request: request.service.identity.uuid),
        Property("Product", lambda noun, request: f"Isthmus {request.service.setup.server.version}"),
        Property("ProtocolFeaturesSupported", _features),
        Property("Storage", lambda noun, request: link(uris.STORAGE)),
        Property("StorageServices", lambda noun, request: link(uris.STORAGE_SERVICES)),
        Property("Fabrics", lambda noun, request: link(uris.FABRICS)),
        Property("Tasks", lambda noun, request: link(uris.TASK_SERVICE)),
        Property("Managers", lambda noun, request: link(uris.MANAGERS)),
        Property("AccountService", lambda noun, request: link(uris.ACCOUNT_SERVICE)),
        Property("SessionService", lambda noun, request: link(uris.SESSION_SERVICE)),
        Property("EventService", lambda noun, request: link(uris.EVENT_SERVICE)),
        Property("TelemetryService", lambda noun, request: link(uris.TELEMETRY_SERVICE)),
        Property("Registries", lambda noun, request: link(uris.REGISTRIES)),
        Property("JsonSchemas", lambda noun, request: link(uris.JSON_SCHEMAS)),
        Property("Links", lambda noun, request: {"Sessions": link(uris.SESSIONS)}),
    ),
)

VERSIONS = Endpoint(
    path="/redfish",
    handlers={"GET": lambda request: Response(200, json_text({"v1": f"{uris.ROOT}/"}))},
    open=True,
)

SERVED = (VERSIONS, SERVICE_ROOT)
