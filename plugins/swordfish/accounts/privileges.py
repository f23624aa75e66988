"""What an account may do here: Redfish's roles and privileges over the core's roles (DSP0266, Privilege model).

Both count. The mapping below decides first and is what `resources/privilege_registry.py` publishes; the core then
checks the caller's roles and tenant once more, as for every face.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ....core.context import Context
from ....core.errors import Forbidden, PasswordChangeRequired

LOGIN = "Login"
CONFIGURE_MANAGER = "ConfigureManager"
CONFIGURE_USERS = "ConfigureUsers"
CONFIGURE_COMPONENTS = "ConfigureComponents"
CONFIGURE_SELF = "ConfigureSelf"
ALL = (LOGIN, CONFIGURE_MANAGER, CONFIGURE_USERS, CONFIGURE_COMPONENTS, CONFIGURE_SELF)

ROLES: Mapping[str, frozenset[str]] = {
    "Administrator": frozenset(ALL),
    "Operator": frozenset({LOGIN, CONFIGURE_COMPONENTS, CONFIGURE_SELF}),
    "ReadOnly": frozenset({LOGIN, CONFIGURE_SELF}),
}
"""The roles of the standard with their privileges; they cannot be changed."""

CORE_ROLES: Mapping[str, str] = {"Administrator": "admin", "Operator": "member", "ReadOnly": "reader"}
"""What an account gets in the core with a role."""

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
    "VolumeMetrics",
    "ConsistencyGroup",
    "ConsistencyGroupCollection",
    "StorageService",
    "StorageServiceCollection",
    "StorageServiceMetrics",
    "Storage",
    "StorageCollection",
    "StorageController",
    "StorageControllerCollection",
    "StoragePool",
    "StoragePoolCollection",
    "StoragePoolMetrics",
    "DataStorageLoSCapabilities",
    "IOConnectivityLoSCapabilities",
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
)
_BY_MANAGER = (
    "ServiceRoot",
    "TaskService",
    "SessionService",
    "Manager",
    "ManagerCollection",
    "ManagerNetworkProtocol",
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
    "PrivilegeRegistry",
    "Role",
    "RoleCollection",
    # What tenants may ask for, administrators say.
    "ClassOfService",
    "ClassOfServiceCollection",
    "DataProtectionLineOfService",
    "DataStorageLineOfService",
    "IOConnectivityLineOfService",
    "IOPerformanceLineOfService",
)

Operations = Mapping[str, tuple[frozenset[str], ...]]
"""By method the sets of privileges that suffice: one whole set of them is needed."""

_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


def _each(*privileges: str) -> tuple[frozenset[str], ...]:
    """Any one of these privileges suffices."""
    return tuple(frozenset({one}) for one in privileges)


def _operations(*change: str, read: tuple[str, ...] = (LOGIN,)) -> dict[str, tuple[frozenset[str], ...]]:
    return {"GET": _each(*read), "HEAD": _each(*read), **dict.fromkeys(_CHANGES, _each(*change))}


# The manager of a tenant is an Operator here and makes accounts of that tenant: who has ConfigureComponents passes
# here, and the core lets managers go on.
_ACCOUNTS = (CONFIGURE_USERS, CONFIGURE_COMPONENTS)

REGISTRY: Mapping[str, Operations] = {
    **dict.fromkeys(_BY_COMPONENTS, _operations(CONFIGURE_COMPONENTS)),
    **dict.fromkeys(_BY_MANAGER, _operations(CONFIGURE_MANAGER)),
    "AccountService": _operations(CONFIGURE_USERS),
    "ManagerAccount": {
        **_operations(*_ACCOUNTS),
        "GET": _each(CONFIGURE_MANAGER, CONFIGURE_USERS, CONFIGURE_SELF),
    },
    "ManagerAccountCollection": _operations(*_ACCOUNTS),
    # An own session and an own subscription are everybody's; whose it is, the resource knows.
    "Session": {
        **_operations(CONFIGURE_MANAGER, read=(CONFIGURE_MANAGER, CONFIGURE_SELF)),
        "DELETE": _each(CONFIGURE_MANAGER, CONFIGURE_SELF),
    },
    "SessionCollection": {**_operations(CONFIGURE_MANAGER), "POST": _each(LOGIN)},
    "EventDestination": _operations(CONFIGURE_MANAGER, CONFIGURE_SELF),
    "EventDestinationCollection": _operations(CONFIGURE_MANAGER, CONFIGURE_COMPONENTS),
}
"""The mapping of operations to privileges, by entity."""

PROPERTIES: Mapping[str, Mapping[str, Operations]] = {
    "ManagerAccount": {"Password": {"PATCH": _each(*_ACCOUNTS, CONFIGURE_SELF)}},
}
"""What holds for single properties in place of the above, by entity and property."""

_BEFORE_THE_CHANGE = {"ManagerAccount": ("GET", "HEAD", "PATCH"), "Session": ("GET", "HEAD", "DELETE")}
# What is left to an account whose password must be changed (DSP0266, Password change required handling).


def held(roles: Iterable[str], tenant: str | None) -> frozenset[str]:
    """The core's roles that count here: an administrator who is bound to a tenant is no more than its manager."""
    given = frozenset(roles)
    return given if tenant is None or "admin" not in given else given - {"admin"} | {"manager"}


def standing(context: Context) -> Context:
    """The caller with the roles that count here (`held`).

    Whatever in this service asks whether somebody administers the installation asks of what this gives.
    """
    roles = held(context.roles, context.tenant)
    return context if roles == context.roles else replace(context, roles=roles)


def role_of(roles: Iterable[str]) -> str:
    """The one Redfish role that stands for a user's roles: the strongest."""
    named = {_OF_CORE[role] for role in roles if role in _OF_CORE}
    return next((role for role in _STRONGEST if role in named), "ReadOnly")


@lru_cache(maxsize=256)
def _had(roles: frozenset[str]) -> frozenset[str]:
    return ROLES[role_of(roles)]


def check(context: Context, entity: str | None, method: str) -> None:
    """Let the caller pass who has the privileges for `method` on `entity`; raises `Forbidden`.

    Where single properties need less, whoever may change one of them passes: see `check_properties`. Without an
    entity everybody passes who may log in. KeyError for an entity without a mapping: a defect.
    """
    if context.must_change_password and method not in _BEFORE_THE_CHANGE.get(entity or "", ()):
        raise PasswordChangeRequired("The password must be changed first.", user=context.user)
    if entity is None:
        return
    _demand(context, _sufficient(entity, method), method, entity)


def permitted(context: Context, entity: str, methods: Sequence[str]) -> Sequence[str]:
    """Those of the methods for which the caller has the privileges."""
    return _permitted(context.roles, entity, tuple(methods))


def check_properties(context: Context, entity: str, method: str, names: Iterable[str]) -> None:
    """Let the caller pass who has the privileges to change all of these properties; raises `Forbidden`."""
    others = PROPERTIES.get(entity, {})
    for name in names:
        operations = others.get(name, REGISTRY[entity])
        _demand(context, operations.get(method, ()), method, f"{entity}.{name}")


@lru_cache(maxsize=1024)
def _sufficient(entity: str, method: str) -> tuple[frozenset[str], ...]:
    """The sets of privileges of which one is needed for the method, on one of the properties at least."""
    others = PROPERTIES.get(entity, {})
    return REGISTRY[entity].get(method, ()) + tuple(one for each in others.values() for one in each.get(method, ()))


@lru_cache(maxsize=4096)
def _permitted(roles: frozenset[str], entity: str, methods: tuple[str, ...]) -> tuple[str, ...]:
    had = _had(roles)
    return tuple(one for one in methods if any(needed <= had for needed in _sufficient(entity, one)))


def _demand(context: Context, sufficient: tuple[frozenset[str], ...], method: str, what: str) -> None:
    had = _had(context.roles)
    if not any(needed <= had for needed in sufficient):
        needed = " or ".join(" and ".join(sorted(each)) for each in sufficient)
        raise Forbidden(f"{method} on {what} needs the privilege {needed}.", next_step="Ask an administrator.")
