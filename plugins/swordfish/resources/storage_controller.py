"""The controller of a back end: the driver that serves it."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.errors import NotFound
from .. import uris
from ..arrays import Array, find
from ..protocol.request import Request
from ..protocol.resource import Collection, Property, Resource, Window
from ..protocols import all_said
from .storage import status_of

ID = "driver"
"""Of the one controller that a back end has."""


def _load(request: Request) -> Array:
    if request.params["controller"] != ID:
        raise NotFound(f"There is no controller {request.params['controller']} in this storage.")
    return find(request)


def _list(request: Request, after: str | None, limit: int) -> Window:
    return Window((uris.storage_controller(find(request).id, ID),), 1)


def _protocols(array: Array, request: Request) -> Sequence[str] | None:
    """The access protocols, of those that Redfish knows, with which volumes can be published now."""
    return all_said(sorted({protocol for pool in array.pools for protocol in pool.protocols})) or None


STORAGE_CONTROLLER = Resource(
    type="StorageController",
    version="v1_11_0",
    path=uris.storage_controller("{backend}", "{controller}"),
    load=_load,
    id_of=lambda array: ID,
    name=lambda array, request: "Driver" if array.backend is None else f"Driver {array.backend.driver}",
    properties=(
        Property("Status", lambda array, request: status_of(array)),
        Property("SupportedControllerProtocols", _protocols),
    ),
)

STORAGE_CONTROLLERS = Collection(
    type="StorageControllerCollection",
    path=uris.storage_controllers("{backend}"),
    name="Controllers",
    member=STORAGE_CONTROLLER,
    list=_list,
    uri_of=lambda uri, request: str(uri),
)

SERVED = (STORAGE_CONTROLLERS, STORAGE_CONTROLLER)
