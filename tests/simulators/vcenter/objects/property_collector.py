"""PropertyCollector: bulk reads, filters, and waiting for what changes. One belongs to each session."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

from ..collection import Plan, object_content
from ..managed import Managed, computed
from ..registry import invalid_argument, named_fault, vim, vmodl
from ..wire.call import Call
from .property_filter import Knowledge, PropertyFilter

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_Collector = vmodl.query.PropertyCollector
# A client may name one of these versions again: its reply may have been lost.
_VERSIONS_KEPT = 8
_LONGEST_WAIT = 1800.0
_LOOK_AGAIN = 1.0


class PropertyCollector(Managed):
    """The collector of one session, or (without one) what an anonymous client may ask."""

    KIND = _Collector

    def __init__(self, vc: VCenter, moid: str, session: Session | None) -> None:
        super().__init__(vc, moid)
        self._session = session
        self._filters: dict[str, PropertyFilter] = {}
        self._known: dict[str, dict[str, Knowledge]] = {}
        self._issued = 0
        self._cancelled = 0
        self._rest: dict[str, tuple[list[Any], int]] = {}

    @computed("filter")
    def filters(self, session: Session | None) -> Any:
        """All filters of this collector."""
        return [each.ref for each in self._filters.values()]

    def CreatePropertyCollector(self, call: Call) -> Any:
        collector = PropertyCollector(self.vc, f"session[{call.who.key}]{uuid.uuid4()}", call.who)
        with self.vc.model.change():
            call.who.objects[collector.moid] = collector
        return collector.ref

    def DestroyPropertyCollector(self, call: Call) -> None:
        with self.vc.model.change():
            call.who.objects.pop(self.moid, None)
            for each in list(self._filters.values()):
                self.drop_filter(each)
            self.CancelWaitForUpdates(call)

    def CreateFilter(self, call: Call, spec: Any, partial_updates: bool) -> Any:
        moid = f"session[{call.who.key}]{uuid.uuid4()}"
        created = PropertyFilter(self, moid, spec, partial_updates, call)
        with self.vc.model.change():
            self._filters[moid] = created
            call.who.objects[moid] = created
            self.vc.model.touch(None, False)
        return created.ref

    def drop_filter(self, dropped: PropertyFilter) -> None:
        """End a filter of this collector."""
        with self.vc.model.change():
            self._filters.pop(dropped.moid, None)
            if self._session is not None:
                self._session.objects.pop(dropped.moid, None)

    def RetrieveProperties(self, call: Call, spec_set: list[Any]) -> Any:
        return self._collected(call, spec_set)

    def RetrievePropertiesEx(self, call: Call, spec_set: list[Any], options: Any) -> Any:
        limit = options.maxObjects if options is not None else None
        if limit is not None and limit <= 0:
            raise invalid_argument("options.maxObjects", "maxObjects must be positive")
        return self._page(self._collected(call, spec_set), limit or sys.maxsize)

    def ContinueRetrievePropertiesEx(self, call: Call, token: str) -> Any:
        with self.vc.model.condition:
            rest = self._rest.pop(token, None)
        if rest is None:
            raise invalid_argument("token", "There is nothing to continue with this token")
        return self._page(*rest)

    def CancelRetrievePropertiesEx(self, call: Call, token: str) -> None:
        with self.vc.model.condition:
            if self._rest.pop(token, None) is None:
                raise invalid_argument("token", "There is nothing to cancel with this token")

    def _collected(self, call: Call, spec_set: list[Any]) -> list[Any]:
        found = []
        with self.vc.model.condition:
            for spec in spec_set or []:
                plan = Plan(self.vc, spec, call.version)
                for managed in plan.select(call.session).values():
                    found.append((managed, plan.contents(managed, call.session)))
        return [object_content(managed, contents, call.session) for managed, contents in found]

    def _page(self, contents: list[Any], limit: int) -> Any:
        if not contents:
            return None
        token = None
        if len(contents) > limit:
            token = uuid.uuid4().hex
            with self.vc.model.condition:
                self._rest[token] = (contents[limit:], limit)
        return _Collector.RetrieveResult(token=token, objects=contents[:limit])

    def WaitForUpdates(self, call: Call, version: str | None) -> Any:
        return self._wait(call, version or "", _LONGEST_WAIT, sys.maxsize)

    def CheckForUpdates(self, call: Call, version: str | None) -> Any:
        return self._wait(call, version or "", 0.0, sys.maxsize)

    def WaitForUpdatesEx(self, call: Call, version: str | None, options: Any) -> Any:
        seconds, limit = _LONGEST_WAIT, sys.maxsize
        if options is not None:
            if options.maxWaitSeconds is not None:
                seconds = min(seconds, options.maxWaitSeconds)
            if options.maxObjectUpdates is not None:
                limit = options.maxObjectUpdates
        if seconds < 0 or limit <= 0:
            raise invalid_argument("options", "Waiting options must be positive")
        return self._wait(call, version or "", seconds, limit)

    def CancelWaitForUpdates(self, call: Call) -> None:
        with self.vc.model.condition:
            self._cancelled += 1
            self.vc.model.condition.notify_all()

    def _wait(self, call: Call, version: str, seconds: float, limit: int) -> Any:
        session, condition = call.who, self.vc.model.condition
        deadline = time.monotonic() + seconds
        with condition:
            cancelled = self._cancelled
            session.busy += 1
            try:
                while True:
                    if not self.vc.sessions.alive(session) or self.vc.closed:
                        raise named_fault(
                            vim.fault.NotAuthenticated(object=self.ref, privilegeId="System.View"), "The session ended"
                        )
                    if cancelled != self._cancelled:
                        raise named_fault(vmodl.fault.RequestCanceled(), "The wait was cancelled")
                    update = self._update(version, session, limit)
                    left = deadline - time.monotonic()
                    if update is not None or left <= 0:
                        return update
                    condition.wait(min(left, _LOOK_AGAIN))
            finally:
                session.busy -= 1
                session.last_active = self.vc.clock.now()

    def _update(self, version: str, session: Session, limit: int) -> Any:
        if version and version not in self._known:
            raise named_fault(vmodl.query.InvalidCollectorVersion(), f"Version {version!r} is not known")
        known = self._known.get(version, {})
        now: dict[str, Knowledge] = {}
        told, count, truncated = [], 0, False
        for moid, each in self._filters.items():
            before = known.get(moid, Knowledge())
            if truncated:
                now[moid] = before
                continue
            updates, now[moid], truncated = each.news(before, session, limit - count)
            count += len(updates)
            if updates:
                told.append(_Collector.FilterUpdate(filter=each.ref, objectSet=updates))
        if not told:
            if version:
                self._known[version] = now
            return None
        self._issued += 1
        self._known[str(self._issued)] = now
        for old in list(self._known)[:-_VERSIONS_KEPT]:
            del self._known[old]
        return _Collector.UpdateSet(version=str(self._issued), filterSet=told, truncated=truncated)

    def removed(self) -> None:
        """The session has ended: whoever waits is let go."""
        self._cancelled += 1
