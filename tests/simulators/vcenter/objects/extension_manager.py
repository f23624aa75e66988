"""ExtensionManager: what is registered with this vCenter, checked when it comes."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import values
from ..managed import Managed
from ..registry import invalid_argument, named_fault, vim, vmodl
from ..wire.call import Call

if TYPE_CHECKING:
    from ..vcenter import VCenter

_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_VERSION = re.compile(r"\d+(\.\d+){0,3}")
_URL = re.compile(r"https?://\S+")
# SHA-1 or SHA-256 of the certificate, in pairs with colons.
_THUMBPRINT = re.compile(r"([0-9A-F]{2}:){19}[0-9A-F]{2}|([0-9A-F]{2}:){31}[0-9A-F]{2}", re.IGNORECASE)
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----\s*")
REMOTE_CLIENT = "vsphere-client-remote"
MANIFEST_SERVER = "MANIFEST_SERVER"


class ExtensionManager(Managed):
    """Extensions by key, with the privileges, task types and texts they bring."""

    KIND = vim.ExtensionManager

    def __init__(self, vc: VCenter, moid: str) -> None:
        super().__init__(vc, moid)
        self._certificates: dict[str, str | None] = {}
        self.service_accounts: dict[str, str] = {}

    def RegisterExtension(self, call: Call, extension: Any) -> None:
        with self.vc.model.change():
            _check(extension)
            if self.registered(extension.key) is not None:
                raise invalid_argument("extension.key", f"An extension {extension.key} is registered already")
            self._take([*self._all(), self._stamped(extension)])

    def UpdateExtension(self, call: Call, extension: Any) -> None:
        with self.vc.model.change():
            _check(extension)
            self._demand(extension.key)
            kept = [each for each in self._all() if each.key != extension.key]
            self._take([*kept, self._stamped(extension)])

    def UnregisterExtension(self, call: Call, key: str) -> None:
        with self.vc.model.change():
            self._demand(key)
            self.service_accounts.pop(key, None)
            self._take([each for each in self._all() if each.key != key])

    def FindExtension(self, call: Call, key: str) -> Any:
        return self.registered(key)

    def SetExtensionCertificate(self, call: Call, key: str, pem: str | None) -> None:
        self._demand(key)
        if pem is None:
            raise named_fault(vim.fault.NoClientCertificate(), "The connection showed no certificate")
        self._certificates[key] = pem

    def SetServiceAccount(self, call: Call, key: str, account: str) -> None:
        self._demand(key)
        self.service_accounts[key] = account

    def QueryManagedBy(self, call: Call, key: str) -> list[Any]:
        self._demand(key)
        return []

    def registered(self, key: str) -> Any | None:
        """One extension; None when there is none of that key."""
        return next((each for each in self._all() if each.key == key), None)

    def _all(self) -> list[Any]:
        return list(self.get("extensionList") or [])

    def _demand(self, key: str) -> None:
        if self.registered(key) is None:
            raise named_fault(vim.fault.NotFound(), f"No extension {key} is registered")

    def _stamped(self, extension: Any) -> Any:
        return values.replaced(extension, values.segments("lastHeartbeatTime"), self.vc.clock.now())

    def _take(self, extensions: list[Any]) -> None:
        self.set("extensionList", extensions)
        self.vc.rights.added = {
            each.key: frozenset(info.privID for info in each.privilegeList) for each in extensions if each.privilegeList
        }
        self.vc.rights.changed()

    def has_task(self, task_type: str) -> bool:
        """Whether a registered extension declares the task type."""
        return any(info.taskID == task_type for each in self._all() for info in each.taskList)

    def event_type(self, event_type: str) -> Any | None:
        """The ExtensionEventTypeInfo a registered extension declares; None when none does."""
        infos = (info for each in self._all() for info in each.eventList)
        return next((info for info in infos if info.eventID == event_type), None)

    def text(self, module: str, key: str, locale: str) -> str | None:
        """A text that a registered extension brought, in the best language there is; English before none."""
        found: dict[str, str] = {}
        for resource in self._resources(module):
            for pair in resource.data:
                if pair.key == key:
                    found.setdefault(resource.locale, pair.value)
        for wanted in (locale, locale.partition("_")[0], "en", "en_US"):
            if wanted in found:
                return found[wanted]
        return next(iter(found.values()), None)

    def _resources(self, module: str) -> Iterator[Any]:
        for each in self._all():
            yield from (resource for resource in each.resourceList if resource.module == module)

    def localised(self, message: Any, locale: str, module: str) -> Any:
        """A LocalizableMessage with its text in the session's language, its arguments filled in."""
        text = self.text(module, message.key, locale)
        if text is None:
            return message
        for pair in message.arg:
            text = text.replace("{" + pair.key + "}", str(pair.value))
        return values.replaced(message, values.segments("message"), text)

    def task_message(self, task_type: str, locale: str) -> Any:
        """What Recent Tasks shows for a task type; None for one that no extension declares."""
        label = self.text("task", f"{task_type}.label", locale)
        return None if label is None else message_of(f"{task_type}.label", label)

    def task_descriptions(self, locale: str) -> list[Any]:
        """ElementDescription of every task type."""
        found = []
        for each in self._all():
            for info in each.taskList:
                label = self.text("task", f"{info.taskID}.label", locale) or info.taskID
                summary = self.text("task", f"{info.taskID}.summary", locale) or label
                found.append(vim.ElementDescription(key=info.taskID, label=label, summary=summary))
        return found


def message_of(key: str, text: str) -> Any:
    """A LocalizableMessage that has its text."""
    return vmodl.LocalizableMessage(key=key, message=text)


def _check(extension: Any) -> None:
    """What a vCenter refuses at once. InvalidArgument, naming the field."""
    if not _KEY.fullmatch(extension.key or ""):
        raise invalid_argument("extension.key", "The key is no reversed domain name")
    if not _VERSION.fullmatch(extension.version or ""):
        raise invalid_argument("extension.version", "The version is not 1 to 4 numbers with dots")
    if extension.description is None or not extension.description.label:
        raise invalid_argument("extension.description", "The description has no label")
    for place, info in enumerate(extension.server):
        _check_server(f"extension.server[{place}]", info)
    for place, info in enumerate(extension.client):
        if not info.type:
            raise invalid_argument(f"extension.client[{place}].type", "The client has no type")
        if not _URL.fullmatch(info.url or ""):
            raise invalid_argument(f"extension.client[{place}].url", "The client's URL is none")
    for group, field in (("taskList", "taskID"), ("eventList", "eventID"), ("privilegeList", "privID")):
        names = [getattr(info, field) for info in getattr(extension, group)]
        if len(set(names)) != len(names) or "" in names:
            raise invalid_argument(f"extension.{group}", "Ids must be given and differ")
    for place, resource in enumerate(extension.resourceList):
        if not resource.locale or not resource.module:
            raise invalid_argument(f"extension.resourceList[{place}]", "A resource has a locale and a module")


def _check_server(where: str, info: Any) -> None:
    if not _URL.fullmatch(info.url or ""):
        raise invalid_argument(f"{where}.url", "The server's URL is none")
    if not info.type:
        raise invalid_argument(f"{where}.type", "The server has no type")
    if not info.company:
        raise invalid_argument(f"{where}.company", "The server has no company")
    if info.serverThumbprint and not _THUMBPRINT.fullmatch(info.serverThumbprint):
        raise invalid_argument(f"{where}.serverThumbprint", "The thumbprint is not in the form AA:BB:…")
    pem = getattr(info, "serverCertificate", None)
    if pem and not _PEM.fullmatch(pem):
        raise invalid_argument(f"{where}.serverCertificate", "The certificate is not PEM")
