"""The systems of a host: by the property of its configManager, the class."""

from __future__ import annotations

from .host_datastore_system import HostDatastoreSystem
from .host_date_time_system import HostDateTimeSystem
from .host_network_system import HostNetworkSystem
from .host_option_manager import HostOptionManager
from .host_service_system import HostServiceSystem
from .host_storage_system import HostStorageSystem
from .host_system import HostPart
from .iscsi_manager import IscsiManager

# The storage comes first: it makes the host's `config`, into which the others write.
HOST_PARTS: dict[str, type[HostPart]] = {
    "storageSystem": HostStorageSystem,
    "advancedOption": HostOptionManager,
    "datastoreSystem": HostDatastoreSystem,
    "dateTimeSystem": HostDateTimeSystem,
    "iscsiManager": IscsiManager,
    "networkSystem": HostNetworkSystem,
    "serviceSystem": HostServiceSystem,
}
