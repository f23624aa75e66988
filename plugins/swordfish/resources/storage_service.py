"""Storage services: one a tenant, with what the tenant owns or is offered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import NotFound
from ....core.model.identity import now
from ....core.model.page import Query
from ....core.model.tenant import Tenant
from .. import uris
from ..classes import offered_classes
from ..identifiers import identifier
from ..maintenance.tenant_windows import TenantWindow
from ..maintenance.window import LONGEST, SECONDS, START, MaintenanceWindow
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import SNIA, Collection, JsonSchema, Property, Resource, Window
from ..uris import link

_WINDOW = "@Redfish.MaintenanceWindow"
_WINDOW_SCHEMA: JsonSchema = {
    "type": ["object", "null"],
    "properties": {
        "@odata.type": {"type": "string"},
        START: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"},
        SECONDS: {"type": "integer", "minimum": 1, "maximum": LONGEST},
    },
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Service:
    """A tenant with its maintenance window. `version` is that of what can be changed here."""

    tenant: Tenant
    kept: TenantWindow

    @property
    def version(self) -> int:
        return self.kept.version


def load(request: Request) -> Tenant:
    """The tenant in the path, if the caller may know of it."""
    request.acting_for(request.params["tenant"])
    tenant = request.administration.tenants.get(request.params["tenant"])
    if tenant.id != request.params["tenant"]:
        raise NotFound("A storage service is addressed by its tenant's id.")
    return tenant


def _list(request: Request, after: str | None, limit: int) -> Window:
    if request.context.tenant is not None:
        return Window((request.administration.tenants.get(request.context.tenant),), 1)
    page = request.administration.tenants.list(Query(limit=max(limit, 1), cursor=after, with_total=True))
    return Window(page.items, page.total or 0, page.next)


def _default_class(service: Service, request: Request) -> dict[str, str] | None:
    """The class of a volume for which none is named. It has to be one of the service's (ClassesOfService)."""
    profile = offered_classes.default(request)
    return None if profile is None else link(uris.class_of_service(service.tenant.id, profile.id))


def _load(request: Request) -> Service:
    tenant = load(request)
    return Service(tenant, request.service.windows.get(tenant.id))


def _window(service: Service, request: Request) -> dict[str, Any]:
    return {"@odata.type": "#Settings.v1_4_0.MaintenanceWindow", **service.kept.window.to_json()}


def _update(request: Request, service: Service, changes: Mapping[str, Any]) -> None:
    """Set the maintenance window; null goes back to the default. What waits already keeps the window it was given."""
    given, current = changes[_WINDOW], service.kept.window.to_json()
    wanted: MaintenanceWindow | None = None
    if given is not None:
        where, shown = f"{_WINDOW}/{START}", given.get(START, current[START])
        try:
            wanted = MaintenanceWindow.of({**current, **given})
        except ValueError:
            raise refuse(400, "PropertyValueFormatError", shown, where, related=(f"/{where}",)) from None
        if wanted.end <= now():
            advice = "That window is over: name one that ends in the future."
            raise refuse(400, "PropertyValueIncorrect", where, shown, related=(f"/{where}",), resolution=advice)
    request.service.windows.set(service.tenant.id, wanted, if_version=request.expected(service))


STORAGE_SERVICE = Resource(
    type="StorageService",
    version="v1_7_0",
    publisher=SNIA,
    path=uris.storage_service("{tenant}"),
    load=_load,
    name=lambda one, request: one.tenant.name,
    update=_update,
    properties=(
        Property("Description", lambda one, request: one.tenant.description or None),
        Property(
            "Status",
            lambda one, request: {"State": "Enabled" if one.tenant.enabled else "Disabled", "Health": "OK"},
        ),
        Property("Identifier", lambda one, request: identifier(one.tenant.id)),
        Property("Volumes", lambda one, request: link(uris.volumes(one.tenant.id))),
        Property("ConsistencyGroups", lambda one, request: request.served(uris.consistency_groups(one.tenant.id))),
        Property("StoragePools", lambda one, request: link(uris.service_pools(one.tenant.id))),
        Property("ClassesOfService", lambda one, request: link(uris.classes_of_service(one.tenant.id))),
        Property("DefaultClassOfService", _default_class),
        Property(
            "DataStorageLoSCapabilities",
            lambda one, request: link(uris.data_storage_capabilities(one.tenant.id)),
        ),
        Property(
            "IOConnectivityLoSCapabilities",
            lambda one, request: link(uris.connectivity_capabilities(one.tenant.id)),
        ),
        Property(_WINDOW, _window, write=_WINDOW_SCHEMA),
        Property("Metrics", lambda one, request: request.served(uris.service_metrics(one.tenant.id))),
    ),
)

STORAGE_SERVICES = Collection(
    type="StorageServiceCollection",
    publisher=SNIA,
    path=uris.STORAGE_SERVICES,
    name="Storage services",
    member=STORAGE_SERVICE,
    list=_list,
    uri_of=lambda tenant, request: uris.storage_service(tenant.id),
)

SERVED = (STORAGE_SERVICES, STORAGE_SERVICE)
