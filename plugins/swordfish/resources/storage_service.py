"""Storage services: one a tenant, with what the tenant owns or is offered."""

from __future__ import annotations

from ....core.errors import NotFound
from ....core.model.page import Query
from ....core.model.tenant import Tenant
from .. import uris
from ..classes import offered_classes
from ..identifiers import identifier
from ..protocol.request import Request
from ..protocol.resource import SNIA, Collection, Property, Resource, Window
from ..uris import link


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


def _default_class(tenant: Tenant, request: Request) -> dict[str, str] | None:
    """The class of a volume for which none is named. It has to be one of the service's (ClassesOfService)."""
    profile = offered_classes.default(request)
    return None if profile is None else link(uris.class_of_service(tenant.id, profile.id))


STORAGE_SERVICE = Resource(
    type="StorageService",
    version="v1_7_0",
    publisher=SNIA,
    path=uris.storage_service("{tenant}"),
    load=load,
    name=lambda tenant, request: tenant.name,
    properties=(
        Property("Description", lambda tenant, request: tenant.description or None),
        Property(
            "Status",
            lambda tenant, request: {"State": "Enabled" if tenant.enabled else "Disabled", "Health": "OK"},
        ),
        Property("Identifier", lambda tenant, request: identifier(tenant.id)),
        Property("Volumes", lambda tenant, request: link(uris.volumes(tenant.id))),
        Property("ConsistencyGroups", lambda tenant, request: request.served(uris.consistency_groups(tenant.id))),
        Property("StoragePools", lambda tenant, request: link(uris.service_pools(tenant.id))),
        Property("ClassesOfService", lambda tenant, request: link(uris.classes_of_service(tenant.id))),
        Property("DefaultClassOfService", _default_class),
        Property("DataStorageLoSCapabilities", lambda tenant, request: link(uris.data_storage_capabilities(tenant.id))),
        Property(
            "IOConnectivityLoSCapabilities", lambda tenant, request: link(uris.connectivity_capabilities(tenant.id))
        ),
        Property("Metrics", lambda tenant, request: request.served(uris.service_metrics(tenant.id))),
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
