"""One vCenter: its objects, its sessions, its port."""

from __future__ import annotations

import ssl
import uuid
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from . import builder
from .certificate import Certificate, issue
from .clock import Clock
from .interface_sessions import InterfaceSessions
from .interference import Interference, Trouble
from .managed import Managed
from .model import Model
from .objects.alarm_manager import AlarmManager
from .objects.custom_fields_manager import CustomFieldsManager
from .objects.datacenter import Datacenter
from .objects.datastore import Datastore
from .objects.entity import Entity
from .objects.event_manager import EventManager
from .objects.extension_manager import ExtensionManager
from .objects.folder import Folder
from .objects.host_system import HostSystem
from .objects.managers import MANAGERS
from .objects.performance_manager import PerformanceManager
from .objects.property_collector import PropertyCollector
from .objects.service_instance import ServiceInstance
from .objects.task_manager import TaskManager
from .objects.virtual_machine import VirtualMachine
from .policies.dispatcher import PolicyDispatcher
from .policies.service import PolicyService
from .registry import NAMESPACE, named_fault, vim, vmodl
from .releases import release
from .rest.routes import routes
from .rest.tagging import Tagging
from .rights import Rights, principal
from .sessions import Session, Sessions
from .specification import Specification
from .storage.nfs import Exports
from .wire.dispatcher import Dispatcher
from .wire.http import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = TypeVar("Kind", bound=Managed)


class VCenter:
    """A simulated vCenter on loopback; a context manager. `port` 0: any that is free."""

    def __init__(
        self,
        spec: Specification | None = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        certificate: Certificate | None = None,
    ) -> None:
        self.spec = spec or Specification()
        self.guid = self.spec.guid or str(uuid.uuid4())
        self.release = release(self.spec.release)
        self.certificate = certificate or issue(self.spec.name)
        self.clock = Clock()
        self.model = Model()
        self.interference = Interference()
        self.rights = Rights(self)
        # Other vCenters of the same single sign-on domain, by guid; this one is among them.
        self.linked: dict[str, VCenter] = {self.guid: self}
        self.sessions, self.rest_sessions = (
            Sessions(
                self.clock,
                self.model,
                idle=self.spec.session_idle,
                ticket_life=self.spec.ticket_life,
                furnish=self._furnish,
            )
            for _ in range(2)
        )
        self.interface_sessions = InterfaceSessions(self)
        # The NFS servers its hosts know, and what is done when its hosts end with it.
        self.exports = Exports()
        self.parting: list[Callable[[], None]] = []
        self.closed = False
        self._users = {principal(user.name).lower(): user for user in self.spec.users}
        self._address, self._port = address, port
        self._listener: Listener | None = None
        with self.model.change():
            self.managers: dict[str, Managed] = {
                place: self.model.add(kind(self, moid)) for place, (kind, moid) in MANAGERS.items()
            }
            self.managers["propertyCollector"] = self.model.add(PropertyCollector(self, "propertyCollector", None))
            self.events.listeners.append(self.alarms.heard)
            self.service_instance = self.model.add(ServiceInstance(self, "ServiceInstance"))
            self.root = Folder(self, "Datacenters", None, [vim.Folder, vim.Datacenter])
            builder.build(self)
        self.policies = PolicyService(self)
        self.dispatcher = Dispatcher(self, NAMESPACE, self.find)
        self.policy_dispatcher = PolicyDispatcher(self)
        self.tagging = Tagging(self)
        self.router = routes(self)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for part in self.parting:
            part()

    @property
    def port(self) -> int:
        """Where it listens, or did before it died."""
        return self._port

    @property
    def url(self) -> str:
        """Of the whole vCenter, without a path."""
        return f"https://{self._address}:{self._port}"

    @property
    def tasks(self) -> TaskManager:
        """The task manager."""
        return cast(TaskManager, self.managers["taskManager"])

    @property
    def events(self) -> EventManager:
        """The event manager."""
        return cast(EventManager, self.managers["eventManager"])

    @property
    def alarms(self) -> AlarmManager:
        """The alarm manager."""
        return cast(AlarmManager, self.managers["alarmManager"])

    @property
    def performance(self) -> PerformanceManager:
        """The performance manager."""
        return cast(PerformanceManager, self.managers["perfManager"])

    @property
    def extensions(self) -> ExtensionManager:
        """The extension manager."""
        return cast(ExtensionManager, self.managers["extensionManager"])

    @property
    def custom_fields(self) -> CustomFieldsManager:
        """The manager of custom fields."""
        return cast(CustomFieldsManager, self.managers["customFieldsManager"])

    def start(self) -> None:
        """Listen. After `die`: on the port it had."""
        self.closed = False
        context = self.certificate.server_context()
        self._listener = Listener(self, self._address, self._port, context)
        self._port = self._listener.port

    def stop(self) -> None:
        """Cut every connection and let go who waits. Nothing when it is stopped."""
        self.interference.clear()
        with self.model.change():
            self.closed = True
            self.model.touch(None, False)
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def die(self) -> None:
        """As if it had crashed: port closed, connections cut, sessions lost. The inventory is not."""
        self.stop()
        for sessions in (self.sessions, self.rest_sessions):
            for session in sessions.all():
                sessions.close(session)

    revive = start

    def serve(self, certificate: Certificate) -> None:
        """Another certificate, on the same port."""
        self.stop()
        self.certificate = certificate
        self.start()

    def client_context(self) -> ssl.SSLContext:
        """What trusts this vCenter's certificate, and no other."""
        return self.certificate.client_context()

    def trouble(
        self,
        method: str = "*",
        *,
        fault: Any = None,
        seconds: float = 0.0,
        drop: bool = False,
        after: bool = False,
        times: int = 1,
        when: Callable[[Any, dict[str, Any]], bool] | None = None,
    ) -> Trouble:
        """Let calls go wrong; see `Interference.add`."""
        return self.interference.add(
            method, fault=fault, seconds=seconds, drop=drop, after=after, times=times, when=when
        )

    def link(self, other: VCenter) -> None:
        """Join the other's single sign-on domain: user interface sessions of one get tickets for the other."""
        joined = {**self.linked, **other.linked}
        for each in joined.values():
            each.linked = joined

    def find(self, ref: Any, session: Session | None) -> Managed:
        """The object a reference names, the session's own before the shared. ManagedObjectNotFound when there is
        none."""
        if session is not None:
            own = session.objects.get(ref._moId)
            if own is not None and isinstance(own.ref, type(ref)):
                return own
        return self.model.of(ref)

    def visible(self, ref: Any, session: Session | None) -> Managed | None:
        """The object a reference names, if it is there and the session may see it."""
        try:
            found = self.find(ref, session)
        except vmodl.fault.ManagedObjectNotFound:
            return None
        return found if session is not None and "System.View" in self.rights.of(session, found) else None

    def entity(self, ref: Any) -> Entity:
        """The entity a reference names."""
        return self._of(Entity, ref)

    def host(self, ref: Any) -> HostSystem:
        """The host a reference names."""
        return self._of(HostSystem, ref)

    def datastore(self, ref: Any) -> Datastore:
        """The datastore a reference names."""
        return self._of(Datastore, ref)

    def machine(self, ref: Any) -> VirtualMachine:
        """The virtual machine a reference names."""
        return self._of(VirtualMachine, ref)

    def _of(self, kind: type[Kind], ref: Any) -> Kind:
        found = self.model.of(ref)
        if not isinstance(found, kind):
            raise named_fault(vmodl.fault.ManagedObjectNotFound(obj=ref), f"{ref._moId} is no {kind.__name__}")
        return found

    def named(self, name: str, kind: type[Entity] = Entity) -> Any:
        """An entity by its name. `LookupError` when there is none."""
        for each in self.model.every(kind):
            if each.name == name:
                return each
        raise LookupError(name)

    def add_datacenter(self, name: str, folder: Folder) -> Datacenter:
        """A new, empty datacenter."""
        return Datacenter(self, name, folder)

    def user_with(self, name: str, password: str) -> str | None:
        """The principal of a user who shows the right password; None for any other."""
        user = self._users.get(principal(name).lower())
        return principal(user.name) if user is not None and password and user.password == password else None

    def change_password(self, name: str, password: str) -> None:
        """Another password for a user. Sessions live on."""
        key = principal(name).lower()
        self._users[key] = replace(self._users[key], password=password)

    def knows_user(self, name: str) -> bool:
        """Whether a principal names a user of this vCenter."""
        return principal(name).lower() in self._users

    def groups_of(self, name: str) -> tuple[str, ...]:
        """The principals of a user's groups."""
        user = self._users.get(name.lower())
        return () if user is None else tuple(principal(group) for group in user.groups)

    def knows_group(self, name: str) -> bool:
        """Whether a user of this vCenter is in the group."""
        groups = {principal(group).lower() for user in self._users.values() for group in user.groups}
        return principal(name).lower() in groups

    def _furnish(self, session: Session) -> None:
        session.objects["propertyCollector"] = PropertyCollector(self, "propertyCollector", session)
