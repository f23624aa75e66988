"""Both ends of access paths: initiators of hosts, and the targets at which attached volumes are.

An endpoint's id follows from what it stands for, so that it stays the same wherever it is grouped: an initiator's from
its name, which exists once in the installation, and a target's from its attachment, or from the volume where several
hosts share a target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...core.errors import Invalid, NotFound
from ...core.model.attachment import AccessMode, Attachment
from ...core.model.host import Host, Initiator
from ...core.model.page import LARGEST_PAGE, Query
from . import uris
from .protocol.request import Request

_INITIATOR, _TARGET = "initiator-", "target-"
_READING = "-ro"
_ESCAPED = re.compile(r"[^A-Za-z0-9.-]")
_ESCAPE = re.compile(r"_([0-9A-F]{2})")
_IQN = re.compile(r"iqn\.[^\s/]+")
_EUI = re.compile(r"eui\.([0-9A-Fa-f]{16})")
_NAA = re.compile(r"naa\.((?:[0-9A-Fa-f]{16}){1,2})")


@dataclass(frozen=True, slots=True)
class InitiatorEnd:
    """One name of a host, and what is attached to that host by the same protocol and the caller may see."""

    host: Host
    initiator: Initiator
    attachments: Sequence[Attachment]

    @property
    def id(self) -> str:
        return initiator_id(self.initiator.name)

    @property
    def version(self) -> int:
        return self.host.version


@dataclass(frozen=True, slots=True)
class TargetEnd:
    """Where a volume is reached: by one attachment, or by all that share its target."""

    attachments: Sequence[Attachment]

    @property
    def id(self) -> str:
        return target_id(self.attachments[0])

    @property
    def version(self) -> int:
        return self.attachments[0].version


def initiator_id(name: str) -> str:
    """An initiator's name with only the characters that every client leaves alone in a URI."""
    return _INITIATOR + _ESCAPED.sub(lambda found: f"_{ord(found[0]):02X}", name)


def target_id(attachment: Attachment) -> str:
    """Writing and reading hosts of a shared volume have a target each."""
    if not _shares(attachment):
        return _TARGET + attachment.id
    return f"{_TARGET}{attachment.volume}{_READING if attachment.mode is AccessMode.READ_ONLY else ''}"


def endpoint_of(request: Request) -> InitiatorEnd | TargetEnd:
    """The endpoint in the path; raises `NotFound`."""
    protocol, wanted = request.params["protocol"], request.params["endpoint"]
    found: InitiatorEnd | TargetEnd | None
    if wanted.startswith(_INITIATOR):
        found = find_initiator(request, protocol, wanted)
    else:
        found = _find_target(request, protocol, wanted)
    if found is None:
        raise NotFound(f"There is no endpoint {wanted}.", next_step=f"Look into {uris.endpoints(protocol)}.")
    return found


def find_initiator(request: Request, protocol: str, wanted: str) -> InitiatorEnd | None:
    """The initiator with this id, None where the caller can see none."""
    if not wanted.startswith(_INITIATOR):
        return None
    name = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), wanted.removeprefix(_INITIATOR))
    if initiator_id(name) != wanted:
        return None
    initiator = Initiator(protocol, name)
    try:
        hosts = request.storage.hosts.list(Query(filters={"initiator": name})).items
    except Invalid:
        return None
    host = next((host for host in hosts if initiator in host.initiators), None)
    return None if host is None else InitiatorEnd(host, initiator, attached_to(request, host.id, protocol))


def endpoints_of(request: Request, protocol: str) -> Iterator[str]:
    """The ids of all endpoints of a fabric: initiators by host, then targets."""
    for host in hosts_of(request, protocol):
        yield from (initiator_id(one.name) for one in host.initiators if one.protocol == protocol)
    yield from dict.fromkeys(target_id(one) for one in attached_by(request, protocol) if is_published(one))


def hosts_of(request: Request, protocol: str) -> Iterator[Host]:
    """The hosts that have names for the protocol."""
    cursor: str | None = None
    while True:
        page = request.storage.hosts.list(Query(filters={"protocol": protocol}, limit=LARGEST_PAGE, cursor=cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def attached_by(request: Request, protocol: str, **filters: str) -> Iterator[Attachment]:
    """What is attached by a protocol, as far as the caller may see it."""
    cursor: str | None = None
    while True:
        query = Query(filters={"protocol": protocol, **filters}, limit=LARGEST_PAGE, cursor=cursor)
        page = request.storage.attachments.list(query)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def attached_to(request: Request, host: str, protocol: str) -> Sequence[Attachment]:
    """What is attached to a host by a protocol, as far as the caller may see it."""
    return tuple(attached_by(request, protocol, host=host))


def is_published(attachment: Attachment) -> bool:
    """Whether its target has said where it is."""
    return bool(attachment.connection)


def durable_name(initiator: str) -> Mapping[str, str] | None:
    """The name as Redfish has it (schema Resource, Identifier); None for names of no kind that it knows."""
    if _IQN.fullmatch(initiator):
        return {"DurableNameFormat": "iQN", "DurableName": initiator}
    if eui := _EUI.fullmatch(initiator):
        digits = eui[1]
        pairs = (digits[place : place + 2] for place in range(0, len(digits), 2))
        return {"DurableNameFormat": "EUI", "DurableName": ":".join(pairs)}
    if naa := _NAA.fullmatch(initiator):
        return {"DurableNameFormat": "NAA", "DurableName": naa[1]}
    return None


def initiator_name(name: str, form: str | None) -> str | None:
    """The opposite of `durable_name`; None for a name that is not of the kind it is said to be."""
    if form is None:
        return name
    bare = {"EUI": "eui.", "NAA": "naa."}.get(form, "") + (name if form == "iQN" else name.replace(":", ""))
    return next((one for one in (bare, name) if (durable_name(one) or {}).get("DurableNameFormat") == form), None)


def _find_target(request: Request, protocol: str, wanted: str) -> TargetEnd | None:
    named = wanted.removeprefix(_TARGET)
    if named == wanted:
        return None
    try:
        alone = request.storage.attachments.get(named)
        found: Sequence[Attachment] = (alone,)
    except NotFound:
        found = tuple(attached_by(request, protocol, volume=named.removesuffix(_READING)))
    fitting = [one for one in found if one.protocol == protocol and is_published(one) and target_id(one) == wanted]
    return TargetEnd(fitting) if fitting else None


def _shares(attachment: Attachment) -> bool:
    """Of the protocols only iSCSI has one target for all hosts of a volume."""
    return attachment.shared and attachment.protocol == "iscsi"
