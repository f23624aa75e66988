"""The managers of a vCenter: by the property of ServiceContent, the class and the id."""

from __future__ import annotations

from ..managed import Managed
from .alarm_manager import AlarmManager
from .authorization_manager import AuthorizationManager
from .custom_fields_manager import CustomFieldsManager
from .event_manager import EventManager
from .extension_manager import ExtensionManager
from .license_manager import LicenseManager
from .option_manager import OptionManager
from .performance_manager import PerformanceManager
from .search_index import SearchIndex
from .service_manager import ServiceManager
from .session_manager import SessionManager
from .storage_resource_manager import StorageResourceManager
from .task_manager import TaskManager
from .view_manager import ViewManager

# Whoever simulates one more adds it here, before a vCenter is made.
MANAGERS: dict[str, tuple[type[Managed], str]] = {
    "alarmManager": (AlarmManager, "AlarmManager"),
    "authorizationManager": (AuthorizationManager, "AuthorizationManager"),
    "customFieldsManager": (CustomFieldsManager, "CustomFieldsManager"),
    "eventManager": (EventManager, "EventManager"),
    "extensionManager": (ExtensionManager, "ExtensionManager"),
    "licenseManager": (LicenseManager, "LicenseManager"),
    "perfManager": (PerformanceManager, "PerfMgr"),
    "searchIndex": (SearchIndex, "SearchIndex"),
    "serviceManager": (ServiceManager, "ServiceMgr"),
    "sessionManager": (SessionManager, "SessionManager"),
    "setting": (OptionManager, "VpxSettings"),
    "storageResourceManager": (StorageResourceManager, "StorageResourceManager"),
    "taskManager": (TaskManager, "TaskManager"),
    "viewManager": (ViewManager, "ViewManager"),
}
