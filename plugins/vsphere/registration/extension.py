"""The record that a vCenter's extension manager holds of the plug-in (`vim.Extension`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from ....core.errors import Failed, Refused
from ..connection.certificate import Certificate
from ..connection.endpoint import Endpoint
from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import support, vim
from .identity import CLIENT_TYPE, COMPANY, KEY, NEXT_SERVER_TYPE, SERVER_TYPE, UI
from .offer import Offer

_WITH_CERTIFICATE = "vim.version.v8_0_2_0"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be registered: the version, the manifest's address, the certificate that our server serves there and
    the one that is to follow, if that is known; `contact` is an e-mail address."""

    version: str
    address: str
    url: str
    certificate: Certificate
    next: Certificate | None
    contact: str
    offer: Offer


def build(wanted: Wanted, api: str) -> Any:
    """The record for a vCenter that speaks `api` (pyVmomi's name of the version)."""
    texts = wanted.offer.texts
    description = vim.Description(label=texts.get("plugin.name"), summary=texts.get("plugin.summary"))
    servers = [_server(wanted.url, SERVER_TYPE, wanted.certificate, wanted, description, api)]
    if wanted.next is not None:
        servers.append(_server(f"{wanted.address}{UI}/", NEXT_SERVER_TYPE, wanted.next, wanted, description, api))
    client = vim.Extension.ClientInfo(
        version=wanted.version, description=description, company=COMPANY, type=CLIENT_TYPE, url=wanted.url
    )
    return vim.Extension(
        key=KEY,
        version=wanted.version,
        company=COMPANY,
        description=description,
        server=servers,
        client=[client],
        taskList=[vim.Extension.TaskTypeInfo(taskID=each) for each in wanted.offer.tasks()],
        eventList=[
            vim.Extension.EventTypeInfo(eventID=each, eventTypeSchema=_schema(each, arguments))
            for each, arguments in wanted.offer.events().items()
        ],
        privilegeList=[
            vim.Extension.PrivilegeInfo(privID=privilege, privGroupName=group)
            for privilege, group in wanted.offer.privileges()
        ],
        resourceList=[
            vim.Extension.ResourceInfo(
                locale=locale, module=module, data=[vim.KeyValue(key=key, value=text) for key, text in data.items()]
            )
            for locale, module, data in wanted.offer.resources()
            if data
        ],
        lastHeartbeatTime=datetime.now(UTC),
    )


def find(connection: Connection) -> Any | None:
    """What is registered under our key; None when nothing is."""
    with translated(connection.endpoint):
        return connection.content.extensionManager.FindExtension(KEY)


def put(connection: Connection, wanted: Wanted) -> tuple[str, list[str]]:
    """Register, or bring up to date what is registered, and read it back. The same again changes nothing.

    Returns `registered`, `updated` or `unchanged`, and what was different. Raises `Failed` when what is read back is
    not what was written, and what vCenter refuses.
    """
    record = build(wanted, connection.version)
    before = find(connection)
    changed = [] if before is None else list(differences(before, record))
    if before is not None and not changed:
        return "unchanged", []
    if before is None:
        _register(connection, record)
    else:
        _update(connection, record)
    _demand_true(connection.endpoint, find(connection), record)
    return ("registered" if before is None else "updated"), changed


def _register(connection: Connection, record: Any) -> None:
    try:
        with translated(connection.endpoint):
            connection.content.extensionManager.RegisterExtension(record)
    except Refused:
        # Somebody may have registered it at the same moment.
        if find(connection) is None:
            raise
        _update(connection, record)


def _update(connection: Connection, record: Any) -> None:
    with translated(connection.endpoint):
        connection.content.extensionManager.UpdateExtension(record)


def remove(connection: Connection) -> bool:
    """Take the record away; returns whether there was one. Read back."""
    if find(connection) is None:
        return False
    with translated(connection.endpoint):
        connection.content.extensionManager.UnregisterExtension(KEY)
    if find(connection) is not None:
        raise Failed(f"vCenter {connection.endpoint.address} still has the plug-in registered.")
    return True


def differences(found: Any, wanted: Any) -> Iterator[str]:
    """What is not as it should be in a record, in a few words each."""
    if found.version != wanted.version:
        yield f"version {found.version} instead of {wanted.version}"
    for part, one, other in (
        ("address of the manifest", _first(found.server, "url"), _first(wanted.server, "url")),
        ("pin", _first(found.server, "serverThumbprint"), _first(wanted.server, "serverThumbprint")),
        ("certificate", _first(found.server, "serverCertificate"), _first(wanted.server, "serverCertificate")),
        ("certificate to follow", _pins(found.server[1:]), _pins(wanted.server[1:])),
        ("client", _clients(found), _clients(wanted)),
        ("types of tasks", _ids(found.taskList, "taskID"), _ids(wanted.taskList, "taskID")),
        ("types of events", _ids(found.eventList, "eventID"), _ids(wanted.eventList, "eventID")),
        ("privileges", _ids(found.privilegeList, "privID"), _ids(wanted.privilegeList, "privID")),
        ("texts", _texts(found), _texts(wanted)),
    ):
        if one != other:
            yield f"another {part}"


def pins(record: Any) -> list[str]:
    """The pins that a record tells the vCenter, that of the manifest's server first."""
    return _pins(record.server)


def _demand_true(endpoint: Endpoint, found: Any | None, wanted: Any) -> None:
    wrong = ["nothing is registered"] if found is None else list(differences(found, wanted))
    if wrong:
        raise Failed(
            f"vCenter {endpoint.address} took the plug-in, but reads back something else: {', '.join(wrong)}.",
            next_step="Run `isthmus vsphere doctor` with --repair; if it stays so, look into the vCenter's own log.",
        )


def _server(url: str, kind: str, certificate: Certificate, wanted: Wanted, description: Any, api: str) -> Any:
    found = vim.Extension.ServerInfo(
        url=url,
        description=description,
        company=COMPANY,
        type=kind,
        adminEmail=[wanted.contact],
        serverThumbprint=certificate.fingerprint,
    )
    if support.IsChildVersion(api, _WITH_CERTIFICATE):
        found.serverCertificate = certificate.pem
    return found


def _schema(event: str, arguments: Sequence[str]) -> str:
    inside = "".join(f"<argument><name>{escape(each)}</name><type>string</type></argument>" for each in arguments)
    return f"<EventType><eventTypeID>{escape(event)}</eventTypeID><arguments>{inside}</arguments></EventType>"


def _first(servers: Any, name: str) -> str:
    value = str(getattr(servers[0], name, None) or "") if servers else ""
    return "".join(value.split())


def _pins(servers: Any) -> list[str]:
    return [str(each.serverThumbprint or "") for each in servers]


def _ids(infos: Any, name: str) -> list[str]:
    return sorted(str(getattr(each, name)) for each in infos)


def _clients(record: Any) -> list[tuple[str, str, str]]:
    return [(each.type, each.url, each.version) for each in record.client]


def _texts(record: Any) -> dict[tuple[str, str, str], str]:
    return {
        (resource.locale, resource.module, pair.key): pair.value
        for resource in record.resourceList
        for pair in resource.data
    }
