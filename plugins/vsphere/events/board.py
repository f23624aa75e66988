"""A vCenter's list of events, as the plug-in writes on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from ....core.errors import NotFound
from ....ui_bridge.locale import Texts
from ..connection.faults import translated
from ..connection.soap import Connection, Who
from ..connection.vmodl import vim, vmodl
from ..inventory.item import Reference
from .kinds import FOLDER
from .notice import Notice

IDENTITY = "isthmus"
"""The argument of an event that says which notice it is."""


class Board:
    """In one session. What is raised is ours."""

    def __init__(self, connection: Connection, who: Who, texts: Texts) -> None:
        self._connection, self._who, self._texts = connection, who, texts

    def moment(self) -> datetime:
        """The vCenter's own time."""
        with translated(self._connection.endpoint):
            found: datetime = vim.ServiceInstance("ServiceInstance", self._connection.stub).CurrentTime()
        return found

    def locale(self) -> str:
        """The vCenter's own language, for those whose client brings none."""
        found = self._connection.read(self._connection.content.sessionManager, "defaultLocale")
        return str(found.get("defaultLocale") or "en")

    def posted(self, notices: Collection[Notice], since: datetime) -> frozenset[str]:
        """The ids of those that are there, posted at `since` (the vCenter's time) or later."""
        if not notices:
            return frozenset()
        spec = vim.event.EventFilterSpec(
            eventTypeId=sorted({each.kind.type_id for each in notices}),
            time=vim.event.EventFilterSpec.ByTime(beginTime=since),
            disableFullMessage=True,
        )
        wanted, found = {each.id for each in notices}, set()
        with translated(self._connection.endpoint):
            collector = self._connection.content.eventManager.CreateCollectorForEvents(spec)
            try:
                # A collector begins at the newest and goes back from there; rewound, it goes on from the oldest.
                collector.RewindCollector()
                while events := collector.ReadNextEvents(500):
                    found |= {identity for each in events if (identity := _identity(each)) in wanted}
            finally:
                collector.DestroyCollector()
        return frozenset(found)

    def post(self, notices: Sequence[Notice]) -> None:
        """Post them in this order, each in the vCenter's language for those who read no registered text."""
        if not notices:
            return
        locale = self.locale()
        for each in notices:
            try:
                self._post(each, locale)
            except NotFound:
                # What it is about has gone meanwhile; it is told all the same, of the whole.
                self._post(Notice(each.id, each.kind, Reference(FOLDER, ""), each.arguments), locale)

    def _post(self, notice: Notice, locale: str) -> None:
        values = dict(notice.arguments)
        event = vim.event.EventEx(
            key=0,
            chainId=0,
            createdTime=datetime.now(UTC),
            userName=self._who.user,
            eventTypeId=notice.kind.type_id,
            severity=notice.kind.severity,
            message=self._texts.get(f"event.{notice.kind.name}", locale, **values),
            arguments=[
                vmodl.KeyAnyValue(key=key, value=value) for key, value in {**values, IDENTITY: notice.id}.items()
            ],
        )
        entity = self._placed(event, notice)
        event.objectId, event.objectType = entity._moId, type(entity)
        with translated(self._connection.endpoint):
            self._connection.content.eventManager.PostEvent(event, None)

    def _placed(self, event: Any, notice: Notice) -> Any:
        """The entity that the event is about, which is named in the event."""
        root = self._connection.content.rootFolder
        if not notice.entity.moid:
            return root
        entity = self._connection.reference(notice.entity.kind, notice.entity.moid)
        name = str(self._connection.read(entity, "name").get("name", notice.entity.moid))
        event.objectName = name
        if isinstance(entity, vim.Datastore):
            event.ds = vim.event.DatastoreEventArgument(datastore=entity, name=name)
        elif isinstance(entity, vim.HostSystem):
            event.host = vim.event.HostEventArgument(host=entity, name=name)
        return entity


def _identity(event: Any) -> str:
    given = getattr(event, "arguments", None) or ()
    return next((str(each.value) for each in given if each.key == IDENTITY), "")
