"""The task service (schema TaskService)."""

from __future__ import annotations

from .. import uris
from ..protocol.resource import Property, Resource
from ..uris import link

TASK_SERVICE = Resource(
    type="TaskService",
    version="v1_3_0",
    path=uris.TASK_SERVICE,
    load=lambda request: None,
    id_of=lambda noun: "TaskService",
    name=lambda noun, request: "Task service",
    properties=(
        Property("Status", lambda noun, request: {"State": "Enabled", "Health": "OK"}),
        Property("ServiceEnabled", lambda noun, request: True),
        Property("CompletedTaskOverWritePolicy", lambda noun, request: "Oldest"),
        Property("Tasks", lambda noun, request: link(uris.TASKS)),
    ),
)

SERVED = (TASK_SERVICE,)
