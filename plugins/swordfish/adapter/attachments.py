"""Attachments: connections of one volume with one host (schema Connection)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....adapters.contract.base import page_of
from ....core.context import Context
from ....core.errors import Invalid, IsthmusError, NotFound, NotOffered, Refused
from ....core.model.attachment import AccessMode, Attachment, AttachmentState, Connection
from ....core.model.operation import Operation
from ....core.model.page import Page, Query
from ....core.model.request import AttachmentRequest, Changes, ChapCredential
from .bodies import BEGINNING, Body, link, links, mappings, number, text, texts
from .bound import Bound, absent, no_plan
from .chap import Chap
from .client import Answer
from .fabrics import Fabric, fabric_of, fabrics_of, groups_of, host_id, names_of
from .operations import SwordfishOperations
from .paths import id_of, parent, uri_of
from .profiles import SwordfishProfiles
from .site import Site
from .versions import version_of
from .volumes import identifier_of

_ISCSI = "iscsi"
_PORT = 3260
_STATES: Mapping[str, AttachmentState] = {
    "Starting": AttachmentState.ATTACHING,
    "Updating": AttachmentState.ATTACHING,
    "UnavailableOffline": AttachmentState.DETACHING,
    "Absent": AttachmentState.ERROR,
    "Disabled": AttachmentState.ERROR,
}
_NAMES: Mapping[str, str] = {
    "/VolumeInfo": "volume",
    "/VolumeInfo/0/Volume/@odata.id": "volume",
    "/VolumeInfo/0/AccessCapabilities": "mode",
    "/Links/InitiatorEndpointGroups": "host",
    "/Links/InitiatorEndpointGroups/0/@odata.id": "host",
    "/Links/InitiatorEndpoints": "host",
    "/ConnectionKeys/CHAP": "credential",
    "/ConnectionKeys/CHAP/CHAPUsername": "credential.user",
    "/ConnectionKeys/CHAP/CHAPPassword": "credential.secret",
}


class SwordfishAttachments(Bound):
    """What of the tenant's volumes is attached to whom."""

    def __init__(self, context: Context, site: Site, operations: SwordfishOperations, chap: Chap | None) -> None:
        super().__init__(context, site, operations)
        self._chap = chap

    def list(self, query: Query | None = None) -> Page[Attachment]:
        return page_of(Attachment, list(self._all()), query, ("created_at", "volume", "host"))

    def get(self, attachment: str) -> Attachment:
        fabric, path, answer = self._found(attachment)
        return self._attachment(fabric, path, answer.body)

    def create(self, wanted: AttachmentRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        no_plan(dry_run)
        if wanted.metadata:
            raise NotOffered("This system keeps no metadata of attachments.")
        change = self.change("attachment.create", None, key, wanted)
        return self.begun(change, lambda: self._attach(wanted, key))

    def update(self, attachment: str, changes: Changes, *, if_version: int | None = None) -> Attachment:
        raise NotOffered("Of an attachment of this system nothing can be changed.")

    def connection(self, attachment: str) -> Connection:
        fabric, _, answer = self._found(attachment)
        if fabric.protocol != _ISCSI:
            raise NotOffered(f"Swordfish does not say how a host reaches a volume over {fabric.protocol}.")
        public = self._public(fabric, answer.body)
        user, secret = public.get("chap_user"), None
        if user is not None:
            secret = None if self._chap is None else self._chap.secret(str(user))
            if secret is None:
                raise NotOffered(
                    "This system does not tell the secret of the attachment.",
                    next_step="Give the system the secret `chap_key`, then attach anew: Isthmus then chooses secrets.",
                )
        return Connection(fabric.protocol, public, {} if secret is None else {"chap_secret": secret})

    def delete(
        self, attachment: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        no_plan(dry_run)
        path = uri_of(attachment)

        def ask() -> Answer:
            _, _, answer = self._found(attachment)
            return self.conditional("DELETE", path, answer, None, if_version, key=key)

        return self.begun(self.change("attachment.delete", id_of(path), key, if_version), ask)

    def _all(self) -> Iterator[Attachment]:
        for fabric in fabrics_of(self.site):
            if fabric.connections is None:
                continue
            for path, body in self.client.members(fabric.connections):
                if self._own(body):
                    yield self._attachment(fabric, path, body)

    def _found(self, attachment: str) -> tuple[Fabric, str, Answer]:
        path = uri_of(attachment)
        fabric = fabric_of(self.site, path)
        if fabric is None or fabric.connections is None:
            raise absent("attachment", attachment)
        _, answer = self.found(attachment, "Connection", (fabric.connections,))
        if not self._own(answer.body):
            raise absent("attachment", attachment)
        return fabric, path, answer

    def _own(self, body: Body) -> bool:
        """Whether it gives a volume of the tenant's. Where tenants are not kept apart, all are."""
        volumes = [path for info in mappings(body, "VolumeInfo") if (path := link(info, "Volume"))]
        if not self.site.shared:
            return bool(volumes)
        return any(parent(path) in self.share.volumes for path in volumes)

    def _attach(self, wanted: AttachmentRequest, key: str | None) -> Answer:
        volume, answer = self.found(wanted.volume, "Volume", self.share.volumes)
        fabrics = fabrics_of(self.site)
        hosts = list(groups_of(self.client, fabrics, wanted.host))
        if not hosts:
            raise absent("host", wanted.host)
        spoken = _spoken(self, answer.body)
        fitting = [one for one in hosts if one[0].connections is not None and spoken in ("", one[0].protocol)]
        if not fitting:
            raise Invalid(f"The host cannot be reached over {spoken}.", field="host")
        wrong: Invalid | None = None
        for fabric, host, _ in fitting:
            try:
                return self._connect(fabric, volume, host, wanted, key)
            except Invalid as error:
                # Where it is not said by what a volume is reached, only one of the fabrics takes it.
                if len(fitting) == 1 or error.details.get("field") != "volume":
                    raise
                wrong = error
        raise wrong or Refused("No fabric of this system takes the volume.")

    def _connect(self, fabric: Fabric, volume: str, host: str, wanted: AttachmentRequest, key: str | None) -> Answer:
        initiators = "InitiatorEndpointGroups" if fabric.groups is not None else "InitiatorEndpoints"
        writes = wanted.mode is AccessMode.READ_WRITE
        body: dict[str, Any] = {
            "ConnectionType": "Storage",
            "VolumeInfo": [
                {"Volume": {"@odata.id": volume}, "AccessCapabilities": ["Read", "Write"] if writes else ["Read"]}
            ],
            "Links": {initiators: [{"@odata.id": host}]},
        }
        credential = wanted.credential
        if credential is None and self._chap is not None and fabric.protocol == _ISCSI:
            credential = self._chap.make(key)
        if credential is not None:
            body["ConnectionKeys"] = {"CHAP": _keys(credential)}
        try:
            return self.client.change(
                "POST",
                str(fabric.connections),
                body,
                key=key,
                names=_NAMES,
                request_id=self.context.request_id,
            )
        except IsthmusError as error:
            if credential is not None and credential.secret in json.dumps(error.to_json()):
                raise Invalid("The system does not take this credential.", field="credential") from None
            raise

    def _attachment(self, fabric: Fabric, path: str, body: Body) -> Attachment:
        info: Body = next(mappings(body, "VolumeInfo"), {})
        volume = link(info, "Volume")
        hosts = links(body, "Links", "InitiatorEndpointGroups") or links(body, "Links", "InitiatorEndpoints")
        capabilities = texts(info, "AccessCapabilities")
        critical = text(body, "Status", "Health") == "Critical"
        return Attachment(
            id=id_of(path),
            tenant=self.context.tenant or "",
            volume="" if volume is None else id_of(volume),
            host=host_id(hosts[0]) if hosts else "",
            mode=AccessMode.READ_ONLY if capabilities == ["Read"] else AccessMode.READ_WRITE,
            state=AttachmentState.ERROR
            if critical
            else _STATES.get(text(body, "Status", "State"), AttachmentState.ATTACHED),
            protocol=fabric.protocol,
            created_at=BEGINNING,
            updated_at=BEGINNING,
            version=version_of(body),
            connection=self._public(fabric, body) if fabric.protocol == _ISCSI else {},
        )

    def _public(self, fabric: Fabric, body: Body) -> dict[str, Any]:
        """The plain facts of an iSCSI connection, as far as they are told."""
        info: Body = next(mappings(body, "VolumeInfo"), {})
        found: dict[str, Any] = {}
        portals: list[str] = []
        for path in links(body, "Links", "TargetEndpoints"):
            target = self._shown(path)
            names = [name for name in names_of(target) if name[:4] in ("iqn.", "eui.", "naa.")]
            if names:
                found.setdefault("iqn", names[0])
            portals += _portals(target)
        if portals:
            found["portals"] = list(dict.fromkeys(portals))
        lun = number(info, "LUN")
        if lun is not None:
            found["lun"] = lun
        volume = link(info, "Volume")
        identifier = None if volume is None else identifier_of(self._shown(volume))
        if identifier is not None:
            found["identifier"] = identifier
        user = text(body, "ConnectionKeys", "CHAP", "CHAPUsername")
        return {**found, "chap_user": user} if user else found

    def _shown(self, path: str) -> Body:
        try:
            return self.ask(path).body
        except NotFound:
            return {}


def _spoken(bound: Bound, body: Body) -> str:
    """What a volume is reached by, where that is said."""
    profiles = SwordfishProfiles(bound.context, bound.site, bound.operations)
    return profiles.protocol(link(body, "Links", "ClassOfService"))


def _keys(credential: ChapCredential) -> dict[str, str]:
    keys = {"CHAPPassword": credential.secret}
    return {"CHAPUsername": credential.user, **keys} if credential.user else keys


def _portals(endpoint: Body) -> Sequence[str]:
    found = []
    for door in mappings(endpoint, "IPTransportDetails"):
        address = text(door, "IPv4Address", "Address")
        if not address and text(door, "IPv6Address", "Address"):
            address = f"[{text(door, 'IPv6Address', 'Address')}]"
        if address:
            found.append(f"{address}:{number(door, 'Port') or _PORT}")
    return found
