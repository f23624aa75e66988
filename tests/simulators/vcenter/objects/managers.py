"""The managers of a vCenter: by the property of ServiceContent, the class and the id."""

from __future__ import annotations

from ..managed import Managed
from .custom_fields_manager import CustomFieldsManager
from .event_manager import EventManager
from .extension_manager import ExtensionManager
from .search_index import SearchIndex
from .session_manager import SessionManager
from .task_manager import TaskManager
from .view_manager import ViewManager

# Whoever simulates one more adds it here, before a vCenter is made.
MANAGERS: dict[str, tuple[type[Managed], str]] = {
    "customFieldsManager": (CustomFieldsManager, "CustomFieldsManager"),
    "eventManager": (EventManager, "EventManager"),
    "extensionManager": (ExtensionManager, "ExtensionManager"),
    "searchIndex": (SearchIndex, "SearchIndex"),
    "sessionManager": (SessionManager, "SessionManager"),
    "taskManager": (TaskManager, "TaskManager"),
    "viewManager": (ViewManager, "ViewManager"),
}
