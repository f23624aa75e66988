"""EventManager: what happened, with texts, for people and for alarms."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import invalid_argument, named_fault, support, vim
from ..wire.call import Call
from .datacenter import Datacenter
from .datastore import Datastore
from .entity import Entity
from .event_history import EventHistoryCollector, events_matching
from .host_system import HostSystem
from .virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_KEPT = 10000


class EventManager(Managed):
    """Keeps the newest events; tells each to those who listen (the alarm manager, and whoever a test adds)."""

    KIND = vim.event.EventManager

    def __init__(self, vc: VCenter, moid: str) -> None:
        super().__init__(vc, moid)
        self.events: list[Any] = []
        self.listeners: list[Callable[[Any, Entity | None], None]] = []

    @computed("maxCollector")
    def most_collectors(self, session: Session | None) -> int:
        """As a real vCenter says."""
        return 32

    @property
    def always_read(self) -> bool:
        return False

    def PostEvent(self, call: Call, event: Any, task: Any) -> None:
        if not isinstance(event, (vim.event.EventEx, vim.event.ExtendedEvent, vim.event.GeneralEvent)):
            raise named_fault(vim.fault.InvalidEvent(), "Only events of users and extensions can be posted")
        if isinstance(event, vim.event.EventEx) and not event.eventTypeId:
            raise invalid_argument("eventToPost.eventTypeId", "The event has no type")
        posted = copy.copy(event)
        if task is not None:
            posted.chainId = task.eventChainId
        self.post(posted, user=call.who.user, locale=call.who.locale)

    def LogUserEvent(self, call: Call, entity: Any, message: str) -> None:
        event = vim.event.GeneralUserEvent(message=message)
        subject = self.vc.entity(entity)
        self._place(event, subject)
        event.entity = vim.event.ManagedEntityEventArgument(entity=subject.ref, name=subject.name)
        self.post(event, user=call.who.user)

    def post(self, event: Any, *, user: str = "", locale: str = "en") -> Any:
        """Take an event in: it gets key, time and text. Returns it as kept."""
        with self.vc.model.change():
            event.key = self.vc.model.number()
            event.createdTime = self.vc.clock.now()
            event.userName = user or event.userName or ""
            if not event.chainId:
                event.chainId = event.key
            subject = self.subject(event)
            if subject is not None:
                self._place(event, subject)
            event.fullFormattedMessage = self._text(event, subject, locale)
            self.events.append(event)
            del self.events[:-_KEPT]
            self.set("latestEvent", event)
            for each in list(self.listeners):
                each(event, subject)
        return event

    def subject(self, event: Any) -> Entity | None:
        """The entity an event is about: what EventEx names, or the most special of its arguments."""
        ref = None
        identity = getattr(event, "objectId", None)
        if identity:
            found = self.vc.model.objects.get(identity)
            return found if isinstance(found, Entity) else None
        if getattr(event, "managedObject", None) is not None:
            ref = event.managedObject
        for argument, name in (
            (event.vm, "vm"), (event.ds, "datastore"), (event.host, "host"), (event.net, "network"),
            (event.computeResource, "computeResource"), (event.datacenter, "datacenter"),
        ):  # fmt: skip
            if ref is None and argument is not None:
                ref = getattr(argument, name)
        found = None if ref is None else self.vc.model.objects.get(ref._moId)
        return found if isinstance(found, Entity) else None

    def _place(self, event: Any, subject: Entity) -> None:
        """Name the entity, and the datacenter it is in, as the event's arguments."""
        for entity in (subject, *subject.ancestors()):
            if isinstance(entity, Datacenter) and event.datacenter is None:
                event.datacenter = vim.event.DatacenterEventArgument(name=entity.name, datacenter=entity.ref)
        if isinstance(subject, Datastore) and event.ds is None:
            event.ds = vim.event.DatastoreEventArgument(name=subject.name, datastore=subject.ref)
        elif isinstance(subject, HostSystem) and event.host is None:
            event.host = vim.event.HostEventArgument(name=subject.name, host=subject.ref)
        elif isinstance(subject, VirtualMachine) and event.vm is None:
            event.vm = vim.event.VmEventArgument(name=subject.name, vm=subject.ref)

    def _text(self, event: Any, subject: Entity | None, locale: str) -> str:
        if not isinstance(event, (vim.event.EventEx, vim.event.ExtendedEvent)):
            return str(event.message or "")
        form = self.vc.extensions.text("event", f"{event.eventTypeId}.fullFormat", locale)
        arguments = {each.key: str(each.value) for each in getattr(event, "arguments", [])}
        arguments |= {each.key: str(each.value) for each in getattr(event, "data", [])}
        if subject is not None:
            arguments.setdefault("objectName", subject.name)
        text = form or getattr(event, "message", None) or event.eventTypeId
        return _PLACEHOLDER.sub(lambda match: arguments.get(match.group(1), match.group(0)), str(text))

    def QueryEvents(self, call: Call, spec: Any, view: Any) -> list[Any]:
        return self._seen(call, events_matching(self, spec))

    def _seen(self, call: Call, events: list[Any]) -> list[Any]:
        """Those about what the session may see."""
        subjects = ((event, self.subject(event)) for event in events)
        return [
            event
            for event, subject in subjects
            if subject is None or self.vc.visible(subject.ref, call.session) is not None
        ]

    def CreateCollectorForEvents(self, call: Call, spec: Any) -> Any:
        collector = EventHistoryCollector(self, f"session[{call.who.key}]{uuid.uuid4()}", spec)
        with self.vc.model.change():
            call.who.objects[collector.moid] = collector
        return collector.ref


def type_of(event: Any) -> str:
    """The name an event filter or alarm knows an event by: the id of EventEx, else the type."""
    identity = getattr(event, "eventTypeId", None)
    return str(identity) if identity else str(support.GetWsdlName(type(event)))
