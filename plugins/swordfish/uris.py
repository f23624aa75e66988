"""Where resources are: one canonical URI each (DSP0266, Redfish-defined URIs; the URI patterns of the schemas).

Given `{names}` in place of ids, the same functions give the patterns by which requests are routed.
"""

from __future__ import annotations

ROOT = "/redfish/v1"

STORAGE_SERVICES = f"{ROOT}/StorageServices"
STORAGE = f"{ROOT}/Storage"
FABRICS = f"{ROOT}/Fabrics"
TASK_SERVICE = f"{ROOT}/TaskService"
TASKS = f"{TASK_SERVICE}/Tasks"
SESSION_SERVICE = f"{ROOT}/SessionService"
SESSIONS = f"{SESSION_SERVICE}/Sessions"
ACCOUNT_SERVICE = f"{ROOT}/AccountService"
ACCOUNTS = f"{ACCOUNT_SERVICE}/Accounts"
ROLES = f"{ACCOUNT_SERVICE}/Roles"
PRIVILEGE_REGISTRY = f"{ACCOUNT_SERVICE}/PrivilegeMap"
EVENT_SERVICE = f"{ROOT}/EventService"
SUBSCRIPTIONS = f"{EVENT_SERVICE}/Subscriptions"
SSE = f"{EVENT_SERVICE}/SSE"
TELEMETRY_SERVICE = f"{ROOT}/TelemetryService"
METRIC_DEFINITIONS = f"{TELEMETRY_SERVICE}/MetricDefinitions"
METRIC_REPORT_DEFINITIONS = f"{TELEMETRY_SERVICE}/MetricReportDefinitions"
METRIC_REPORTS = f"{TELEMETRY_SERVICE}/MetricReports"
REGISTRIES = f"{ROOT}/Registries"
JSON_SCHEMAS = f"{ROOT}/JsonSchemas"
MANAGERS = f"{ROOT}/Managers"
MANAGER_ID = "Isthmus"
"""The one manager: the service itself."""


def storage_service(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}"


def volumes(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/Volumes"


def volume(tenant: str, volume: str) -> str:
    """A volume or a snapshot: both are volumes in Swordfish."""
    return f"{STORAGE_SERVICES}/{tenant}/Volumes/{volume}"


def volume_metrics(tenant: str, volume: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/Volumes/{volume}/Metrics"


def consistency_groups(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/ConsistencyGroups"


def service_pools(tenant: str) -> str:
    """The collection of pools that a tenant's volumes may lie in; its members stand under `Storage`."""
    return f"{STORAGE_SERVICES}/{tenant}/StoragePools"


def service_metrics(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/Metrics"


def classes_of_service(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/ClassesOfService"


def data_storage_capabilities(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/DataStorageLoSCapabilities"


def connectivity_capabilities(tenant: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/IOConnectivityLoSCapabilities"


def class_of_service(tenant: str, profile: str) -> str:
    return f"{STORAGE_SERVICES}/{tenant}/ClassesOfService/{profile}"


def line_of_service(tenant: str, profile: str, kind: str, line: str) -> str:
    """`kind` is the plural in the URI: `DataStorageLinesOfService`, `IOConnectivityLinesOfService` …"""
    return f"{STORAGE_SERVICES}/{tenant}/ClassesOfService/{profile}/{kind}/{line}"


def storage(backend: str) -> str:
    return f"{STORAGE}/{backend}"


def storage_controllers(backend: str) -> str:
    return f"{STORAGE}/{backend}/Controllers"


def storage_controller(backend: str, controller: str) -> str:
    return f"{STORAGE}/{backend}/Controllers/{controller}"


def storage_volumes(backend: str) -> str:
    """The collection of volumes on a back end; its members stand under their `StorageServices`."""
    return f"{STORAGE}/{backend}/Volumes"


def storage_pools(backend: str) -> str:
    return f"{STORAGE}/{backend}/StoragePools"


def storage_pool(backend: str, pool: str) -> str:
    return f"{STORAGE}/{backend}/StoragePools/{pool}"


def storage_pool_metrics(backend: str, pool: str) -> str:
    return f"{STORAGE}/{backend}/StoragePools/{pool}/Metrics"


def allocated_volumes(backend: str, pool: str) -> str:
    """The collection of volumes that lie in a pool; its members stand under their `StorageServices`."""
    return f"{STORAGE}/{backend}/StoragePools/{pool}/AllocatedVolumes"


def fabric(protocol: str) -> str:
    return f"{FABRICS}/{protocol}"


def endpoints(protocol: str) -> str:
    return f"{FABRICS}/{protocol}/Endpoints"


def endpoint(protocol: str, endpoint: str) -> str:
    return f"{FABRICS}/{protocol}/Endpoints/{endpoint}"


def endpoint_groups(protocol: str) -> str:
    return f"{FABRICS}/{protocol}/EndpointGroups"


def endpoint_group(protocol: str, group: str) -> str:
    return f"{FABRICS}/{protocol}/EndpointGroups/{group}"


def connections(protocol: str) -> str:
    return f"{FABRICS}/{protocol}/Connections"


def connection(protocol: str, attachment: str) -> str:
    return f"{FABRICS}/{protocol}/Connections/{attachment}"


def task(operation: str) -> str:
    return f"{TASKS}/{operation}"


def task_monitor(operation: str) -> str:
    """Where a client waits for an operation and fetches its outcome (DSP0266, Asynchronous operations)."""
    return f"{TASK_SERVICE}/TaskMonitors/{operation}"


def session(session: str) -> str:
    return f"{SESSIONS}/{session}"


def account(user: str) -> str:
    return f"{ACCOUNTS}/{user}"


def role(role: str) -> str:
    return f"{ROLES}/{role}"


def subscription(subscription: str) -> str:
    return f"{SUBSCRIPTIONS}/{subscription}"


def metric_definition(metric: str) -> str:
    return f"{METRIC_DEFINITIONS}/{metric}"


def metric_report_definition(report: str) -> str:
    return f"{METRIC_REPORT_DEFINITIONS}/{report}"


def metric_report(report: str) -> str:
    return f"{METRIC_REPORTS}/{report}"


def registry(registry: str) -> str:
    return f"{REGISTRIES}/{registry}"


def json_schema(schema: str) -> str:
    return f"{JSON_SCHEMAS}/{schema}"


def manager(manager: str) -> str:
    return f"{MANAGERS}/{manager}"


def network_protocol(manager: str) -> str:
    return f"{MANAGERS}/{manager}/NetworkProtocol"


def link(uri: str) -> dict[str, str]:
    """A reference to a resource."""
    return {"@odata.id": uri}
