"""Tasks of a vCenter (its own, not those that show our operations), to their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..connection.soap import Connection
from .reading import read_all

Alive = Callable[[], None]
"""Called while something is waited for; what it raises ends the waiting."""
_FIRST_SECONDS, _LONGEST_SECONDS = 0.02, 1.0


def ended(connection: Connection, task: Any, alive: Alive) -> Any:
    """The task's result. Its fault is raised as pyVmomi has it, so this belongs where faults are translated."""
    pause = _FIRST_SECONDS
    while True:
        # Not `info` as a whole: that fails where the task is about something that is no entity.
        info = connection.read(task, "info.state", "info.result", "info.error")
        if info.get("info.state") == "success":
            return info.get("info.result")
        if info.get("info.state") == "error":
            raise info["info.error"]
        alive()
        time.sleep(pause)
        pause = min(_LONGEST_SECONDS, pause * 2)


def settle(connection: Connection, entity: Any, alive: Alive, *kinds: str) -> None:
    """Wait until no task of these kinds (`VirtualMachine.createSnapshot`) runs on the entity: then it can be seen what
    became of those that an earlier process began."""
    pause = _FIRST_SECONDS
    while True:
        recent = connection.read(entity, "recentTask").get("recentTask") or []
        infos = read_all(connection, recent, "info.descriptionId", "info.state").values()
        running = [each for each in infos if each.get("info.state") in ("queued", "running")]
        if not any(each.get("info.descriptionId") in kinds for each in running):
            return
        alive()
        time.sleep(pause)
        pause = min(_LONGEST_SECONDS, pause * 2)
