"""The systems of a host: by the property of its configManager, the class."""

from __future__ import annotations

from .host_datastore_system import HostDatastoreSystem
from .host_date_time_system import HostDateTimeSystem
from .host_network_system import HostNetworkSystem
from .host_option_manager import HostOptionManager
from .host_storage_system import HostStorageSystem
from .host_system import HostPart
from .iscsi_manager import IscsiManager

HOST_PARTS: dict[str, type[HostPart]] = {
    "advancedOption": HostOptionManager,
    "datastoreSystem": HostDatastoreSystem,
    "dateTimeSystem": HostDateTimeSystem,
    "iscsiManager": IscsiManager,
    "networkSystem": HostNetworkSystem,
    "storageSystem": HostStorageSystem,
}
