"""A vCenter's property collector: everything that is watched in one call, then what changed in each further one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import support, vim, vmodl
from .item import Change, Movement, Reference
from .watched import RAW, WATCHED

_MOVEMENTS = {"enter": Movement.CAME, "modify": Movement.CHANGED, "leave": Movement.WENT}


class Collector:
    """One view of the whole inventory with one filter on it, in a session that is logged in. It ends with the session.

    What is raised is ours (`Unreachable`, `SessionEnded`, …)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._version: str | None = None
        collector = vmodl.query.PropertyCollector
        with translated(connection.endpoint):
            content = connection.content
            kinds = [getattr(vim, kind) for kind in WATCHED]
            view = content.viewManager.CreateContainerView(content.rootFolder, kinds, True)
            # One of its own: other waits in the same session do not disturb it.
            self._collector = content.propertyCollector.CreatePropertyCollector()
            self._collector.CreateFilter(
                collector.FilterSpec(
                    propSet=[
                        collector.PropertySpec(type=getattr(vim, kind), pathSet=list(paths))
                        for kind, paths in WATCHED.items()
                    ],
                    objectSet=[
                        collector.ObjectSpec(
                            obj=view,
                            skip=True,
                            selectSet=[collector.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)],
                        )
                    ],
                ),
                False,
            )

    def next(self, seconds: int) -> Sequence[Change]:
        """What has changed since the last call, all there is at the first; nothing when nothing did in `seconds`."""
        changes: list[Change] = []
        options = vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=seconds)
        while True:
            with translated(self._connection.endpoint):
                found = self._collector.WaitForUpdatesEx(self._version, options)
            if found is None:
                return changes
            self._version = found.version
            for filtered in found.filterSet:
                changes += [_change(update) for update in filtered.objectSet]
            if not found.truncated:
                return changes

    def cancel(self) -> None:
        """End the wait that is under way, from another thread."""
        with translated(self._connection.endpoint):
            self._collector.CancelWaitForUpdates()


def _change(update: Any) -> Change:
    values: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    removed = []
    for each in update.changeSet:
        if each.op in ("assign", "add") and each.val is not None:
            values[each.name] = plain(each.val)
            if each.name in RAW:
                raw[each.name] = each.val
        else:
            removed.append(each.name)
    return Change(_MOVEMENTS[update.kind], reference(update.obj), values, tuple(removed), raw)


def reference(managed: Any) -> Reference:
    """A managed object by its type and id."""
    return Reference(str(type(managed)._wsdlName), managed._moId)


def plain(value: Any) -> Any:
    """A value of the API without pyVmomi in it: references, tuples, dictionaries (with the type as `_type`), text."""
    if isinstance(value, support.ManagedObject):
        return reference(value)
    if isinstance(value, support.DataObject):
        found: dict[str, Any] = {"_type": type(value).__name__.rpartition(".")[2]}
        for info in value._GetPropertyList():
            part = getattr(value, info.name)
            if part is not None and not (isinstance(part, list) and not part):
                found[info.name] = plain(part)
        return found
    if isinstance(value, list):
        return tuple(plain(each) for each in value)
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, str):
        return str(value)
    return value if not isinstance(value, Mapping) else dict(value)
