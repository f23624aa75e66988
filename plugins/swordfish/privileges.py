"""What an account may do here: Redfish's roles and privileges over the core's roles (DSP0266, Privilege model).

Both count. The mapping below decides first and is what `resources/privilege_registry.py` publishes; the core then
checks the caller's roles and tenant once more, as for every face.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...core.context import Context
from ...core.errors import Forbidden

LOGIN = "Login"
CONFIGURE_MANAGER = "ConfigureManager"
CONFIGURE_USERS = "ConfigureUsers"
CONFIGURE_COMPONENTS = "ConfigureComponents"
CONFIGURE_SELF = "ConfigureSelf"

ROLES: Mapping[str, frozenset[str]] = {
    "Administrator": frozenset({LOGIN, CONFIGURE_MANAGER, CONFIGURE_USERS, CONFIGURE_COMPONENTS, CONFIGURE_SELF}),
    "Operator": frozenset({LOGIN, CONFIGURE_COMPONENTS, CONFIGURE_SELF}),
    "ReadOnly": frozenset({LOGIN, CONFIGURE_SELF}),
}
"""The roles of the standard with their privileges; they cannot be changed."""

_OF_CORE = {
    "admin": "Administrator",
    "manager": "Operator",
    "member": "Operator",
    "service": "Operator",
    "reader": "ReadOnly",
}
_STRONGEST = ("Administrator", "Operator", "ReadOnly")

# Entities by who may change them; everybody who may log in reads all of them.
_BY_COMPONENTS = (
    "Volume",
    "VolumeCollection",
    "ConsistencyGroup",
    "ConsistencyGroupCollection",
    "StorageService",
    "StorageServiceCollection",
    "Storage",
    "StorageCollection",
    "StorageController",
    "StorageControllerCollection",
    "StoragePool",
    "StoragePoolCollection",
    "ClassOfService",
    "ClassOfServiceCollection",
    "LineOfService",
    "LineOfServiceCollection",
    "Fabric",
    "FabricCollection",
    "Endpoint",
    "EndpointCollection",
    "EndpointGroup",
    "EndpointGroupCollection",
    "Connection",
    "ConnectionCollection",
    "Task",
    "TaskCollection",
    "Metrics",
)
_BY_MANAGER = (
    "ServiceRoot",
    "TaskService",
    "SessionService",
    "EventService",
    "TelemetryService",
    "MetricDefinition",
    "MetricDefinitionCollection",
    "MetricReportDefinition",
    "MetricReportDefinitionCollection",
    "MetricReport",
    "MetricReportCollection",
    "MessageRegistryFile",
    "MessageRegistryFileCollection",
    "JsonSchemaFile",
    "JsonSchemaFileCollection",
    "Role",
    "RoleCollection",
)
_BY_USERS = ("AccountService", "ManagerAccount", "ManagerAccountCollection")

Operations = Mapping[str, tuple[frozenset[str], ...]]
"""By method the sets of privileges that suffice: one whole set of them is needed."""


def _operations(*change: frozenset[str]) -> Operations:
    read = (frozenset({LOGIN}),)
    return {"GET": read, "HEAD": read, **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), change)}


REGISTRY: Mapping[str, Operations] = {
    **dict.fromkeys(_BY_COMPONENTS, _operations(frozenset({CONFIGURE_COMPONENTS}))),
    **dict.fromkeys(_BY_MANAGER, _operations(frozenset({CONFIGURE_MANAGER}))),
    **dict.fromkeys(_BY_USERS, _operations(frozenset({CONFIGURE_USERS}))),
    # An own password, an own session and an own subscription are everybody's; the core knows whose they are.
    "ManagerAccount": {
        **_operations(frozenset({CONFIGURE_USERS})),
        "PATCH": (frozenset({CONFIGURE_USERS}), frozenset({CONFIGURE_SELF})),
    },
    "Session": _operations(frozenset({CONFIGURE_MANAGER}), frozenset({CONFIGURE_SELF})),
    "SessionCollection": _operations(frozenset({LOGIN})),
    "EventDestination": _operations(frozenset({CONFIGURE_MANAGER}), frozenset({CONFIGURE_SELF})),
    "EventDestinationCollection": _operations(frozenset({CONFIGURE_MANAGER}), frozenset({CONFIGURE_SELF})),
}
"""The mapping of operations to privileges, by entity."""


def role_of(roles: Iterable[str]) -> str:
    """The one Redfish role that stands for a user's roles: the strongest."""
    named = {_OF_CORE[role] for role in roles if role in _OF_CORE}
    return next((role for role in _STRONGEST if role in named), "ReadOnly")


def check(context: Context, entity: str, method: str) -> None:
    """Let the caller pass who has the privileges for `method` on `entity`; raises `Forbidden`.

    KeyError for an entity without a mapping: a defect.
    """
    had = ROLES[role_of(context.roles)]
    if not any(needed <= had for needed in REGISTRY[entity].get(method, ())):
        needed = " or ".join(" and ".join(sorted(each)) for each in REGISTRY[entity].get(method, ()))
        raise Forbidden(f"{method} on {entity} needs the privilege {needed}.", next_step="Ask an administrator.")
