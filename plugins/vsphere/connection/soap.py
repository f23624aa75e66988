"""One session at a vCenter's SOAP service: opened as somebody, used by several threads, ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeVar

from ....core.errors import Invalid, IsthmusError
from .endpoint import Endpoint
from .errors import SessionEnded, TicketRefused, Unreachable
from .faults import translated
from .https import ask
from .vmodl import known_versions, stub_adapter, support, vim, vmodl

Answer = TypeVar("Answer")
CALL_SECONDS = 15.0
"""How long one call waits for the vCenter's next word."""
_VERSION = re.compile(r"<version>([\w.]+)</version>")
_COOKIE = "vmware_soap_session"
_IDLE_SECONDS = 30
_OLDEST = "vim.version.v7_0"


@dataclass(frozen=True, slots=True)
class About:
    """What a vCenter says of itself. `guid` is its instanceUuid; `api` the API version, by its name on the wire."""

    guid: str
    version: str
    build: str
    api: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a session belongs to. `user` as vCenter writes it (`DOMAIN\\name`); `key` is no secret."""

    user: str
    key: str


class Connection:
    """A session, or one that is to be. Its methods raise errors of ours; calls made through `content` raise pyVmomi's
    and belong into `translated(endpoint)`. Safe for several threads."""

    def __init__(self, endpoint: Endpoint, version: str, *, seconds: float = CALL_SECONDS, cookie: str = "") -> None:
        self.endpoint = endpoint
        self.version = version
        self.stub: Any = stub_adapter(
            host=endpoint.host,
            port=endpoint.port,
            path="/sdk",
            version=version,
            sslContext=endpoint.trust.context(),
            httpConnectionTimeout=seconds,
            connectionPoolTimeout=_IDLE_SECONDS,
        )
        if cookie:
            self.stub.cookie = f'{_COOKIE}="{cookie}"'
        self._content: Any = None

    @property
    def content(self) -> Any:
        """ServiceContent; asked for once."""
        if self._content is None:
            with translated(self.endpoint):
                self._content = vim.ServiceInstance("ServiceInstance", self.stub).RetrieveContent()
        return self._content

    @property
    def cookie(self) -> str:
        """What stands for the session: a secret. Empty before a login."""
        try:
            morsel = SimpleCookie(self.stub.cookie).get(_COOKIE)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def about(self) -> About:
        """Needs no login."""
        about = self.content.about
        return About(about.instanceUuid, about.version, about.build, about.apiVersion, about.fullName)

    def login(self, user: str, password: str) -> Who:
        """Become `user`; raises `LoginRefused`."""
        with translated(self.endpoint):
            found = self.content.sessionManager.Login(user, password, None)
        return Who(found.userName, found.key)

    def clone(self, ticket: str) -> Who:
        """Become whose session the ticket stands for; raises `TicketRefused`. A ticket is good once."""
        try:
            with translated(self.endpoint):
                found = self.content.sessionManager.CloneSession(ticket)
        except IsthmusError as error:
            if isinstance(error, Unreachable):
                raise
            raise TicketRefused(
                f"vCenter {self.endpoint.address} did not take the session's ticket.",
                next_step="Reload the page in the vSphere Client; if that does not help, log in there again.",
                vcenter=self.endpoint.address,
            ) from None
        return Who(found.userName, found.key)

    def ticket(self) -> str:
        """A clone ticket of this session, good once and for a short time: a secret."""
        with translated(self.endpoint):
            return str(self.content.sessionManager.AcquireCloneTicket())

    def who(self) -> Who:
        """Whose session this is, as the vCenter says now; raises `SessionEnded` for one that lives no more."""
        found = self.read(self.content.sessionManager, "currentSession").get("currentSession")
        if found is None:
            raise SessionEnded(f"The session at vCenter {self.endpoint.address} has ended.", next_step="Log in again.")
        return Who(found.userName, found.key)

    def read(self, managed: Any, *paths: str) -> dict[str, Any]:
        """Properties of one object in one call; what is unset or may not be read is left out."""
        collector = vmodl.query.PropertyCollector
        spec = collector.FilterSpec(
            propSet=[collector.PropertySpec(type=type(managed), pathSet=list(paths))],
            objectSet=[collector.ObjectSpec(obj=managed)],
        )
        with translated(self.endpoint):
            found = self.content.propertyCollector.RetrievePropertiesEx([spec], collector.RetrieveOptions())
            _demand_session(found)
        return {each.name: each.val for content in (found.objects if found else ()) for each in content.propSet}

    def read_all(self, objects: Sequence[Any], *paths: str) -> dict[str, dict[str, Any]]:
        """Properties of many objects of one type in one call, by id; what is gone or may not be read is left out, as
        is what is unset."""
        if not objects:
            return {}
        collector = vmodl.query.PropertyCollector
        spec = collector.FilterSpec(
            propSet=[collector.PropertySpec(type=type(objects[0]), pathSet=list(paths))],
            objectSet=[collector.ObjectSpec(obj=each) for each in objects],
            reportMissingObjectsInResults=True,
        )
        found: dict[str, dict[str, Any]] = {}
        with translated(self.endpoint):
            page = self.content.propertyCollector.RetrievePropertiesEx([spec], collector.RetrieveOptions())
            while page is not None:
                _demand_session(page)
                for each in page.objects:
                    if each.propSet:
                        found[each.obj._moId] = {one.name: one.val for one in each.propSet}
                if not page.token:
                    break
                page = self.content.propertyCollector.ContinueRetrievePropertiesEx(page.token)
        return found

    def remembered(self, key: tuple[Any, ...], ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers, for what is neither a property nor a privilege; see `inventory.glance` for a connection
        that remembers it under `key`."""
        return ask()

    def privileges(self, entity: Any, session: str, wanted: Sequence[str]) -> frozenset[str]:
        """Those of `wanted` that the session with the key `session` has on `entity`."""
        with translated(self.endpoint):
            found = self.content.authorizationManager.HasPrivilegeOnEntities([entity], session, list(wanted))
        return frozenset(each.privId for one in found for each in one.privAvailability if each.isGranted)

    def reference(self, kind: str, moid: str) -> Any:
        """A managed object by its type (`Datastore`) and id; it need not be there. Raises `Invalid` for no type."""
        try:
            found = support.GetWsdlType("urn:vim25", kind)
        except KeyError:
            found = object
        if not issubclass(found, support.ManagedObject):
            raise Invalid(f"There is no type {kind[:64]!r} of objects in a vCenter.", field="kind")
        return found(moid, self.stub)

    def logout(self) -> None:
        """End the session; nothing when that fails, since it ends by itself."""
        with suppress(IsthmusError), translated(self.endpoint):
            self.content.sessionManager.Logout()
        self.close()

    def close(self) -> None:
        """Let go of the sockets; the session lives on."""
        self.stub.DropConnections()


def _demand_session(found: Any) -> None:
    """Without a session a property collector answers as if nothing could be read; that is not to be taken for nothing
    being there."""
    for each in found.objects if found else ():
        for missing in each.missingSet:
            if isinstance(missing.fault, vim.fault.NotAuthenticated):
                raise missing.fault


def connect(endpoint: Endpoint, *, seconds: float = CALL_SECONDS) -> Connection:
    """A connection that nobody has logged in on, in the newest API version that both sides know.

    Raises `Unreachable`, `WrongCertificate`, `CertificateExpired`.
    """
    return Connection(endpoint, negotiated(endpoint, seconds=seconds), seconds=seconds)


def negotiated(endpoint: Endpoint, *, seconds: float = CALL_SECONDS) -> str:
    """The newest API version that the vCenter and pyVmomi have in common (pyVmomi's name for it)."""
    with translated(endpoint):
        reply = ask(endpoint, "GET", "/sdk/vimServiceVersions.xml", seconds=seconds)
    text = reply.content.decode("utf-8", "replace") if reply.status == 200 else ""
    offered = frozenset(_VERSION.findall(text))
    for name, wire in known_versions():
        if wire in offered:
            return name
    if not offered:
        raise Unreachable(
            f"{endpoint.address} does not answer as a vCenter does.",
            next_step="Check the address and the port.",
            vcenter=endpoint.address,
        )
    return _OLDEST
