"""EventHistoryCollector: past events, page by page."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import support, vim
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session
    from .event_manager import EventManager

_PAGE = 10


class EventHistoryCollector(Managed):
    """Reads forwards from the oldest event there is."""

    KIND = vim.event.EventHistoryCollector

    def __init__(self, manager: EventManager, moid: str, spec: Any) -> None:
        super().__init__(manager.vc, moid, filter=spec)
        self._manager, self._spec, self._at, self._size = manager, spec, 0, _PAGE

    def _found(self) -> list[Any]:
        return events_matching(self._manager, self._spec)

    @computed("latestPage")
    def latest(self, session: Session | None) -> list[Any]:
        """The newest, newest first."""
        return self._found()[::-1][: self._size]

    def ReadNextEvents(self, call: Call, most: int) -> list[Any]:
        page = self._found()[self._at : self._at + most]
        self._at += len(page)
        return page

    def ReadPreviousEvents(self, call: Call, most: int) -> list[Any]:
        start = max(0, self._at - most)
        page, self._at = self._found()[start : self._at], start
        return page

    def RewindCollector(self, call: Call) -> None:
        self._at = 0

    def ResetCollector(self, call: Call) -> None:
        self._at = len(self._found())

    def SetCollectorPageSize(self, call: Call, most: int) -> None:
        self._size = most

    def DestroyCollector(self, call: Call) -> None:
        call.who.objects.pop(self.moid, None)


def events_matching(manager: EventManager, spec: Any) -> list[Any]:
    """The events an EventFilterSpec names, oldest first."""
    found = [event for event in manager.events if _matches(manager, event, spec)]
    return found[-spec.maxCount :] if spec.maxCount else found


def _matches(manager: EventManager, event: Any, spec: Any) -> bool:
    types = [*spec.eventTypeId, *(support.GetWsdlName(each) for each in spec.type)]
    names = {getattr(event, "eventTypeId", None), *(getattr(each, "_wsdlName", None) for each in type(event).__mro__)}
    if types and not names & set(types):
        return False
    if spec.time is not None:
        begin, end = spec.time.beginTime, spec.time.endTime
        if (begin and event.createdTime < begin) or (end and event.createdTime > end):
            return False
    if spec.eventChainId is not None and event.chainId != spec.eventChainId:
        return False
    if spec.userName is not None and spec.userName.userList and event.userName not in list(spec.userName.userList):
        return False
    if spec.entity is None:
        return True
    subject = manager.subject(event)
    wanted, recursion = spec.entity.entity._moId, str(spec.entity.recursion)
    if subject is None:
        return bool(wanted == manager.vc.root.moid and recursion != "self")
    below = wanted in {each.moid for each in subject.ancestors()}
    here = bool(subject.moid == wanted)
    return {"self": here, "children": below, "all": below or here}[recursion]
