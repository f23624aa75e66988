"""A Swordfish service as a configured system."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ....adapters.contract import AdapterSetup, Storage
from ....adapters.contract.base import BaseAdapter
from ....adapters.contract.setup import CREDENTIAL
from ....core.context import Context
from ....core.errors import Invalid
from .accepted import Accepted
from .chap import Chap
from .client import Client
from .site import Site
from .storage import SwordfishStorage


class SwordfishSystem(BaseAdapter):
    """Acts there with the system's own user, on the storage service that `service` or `services` names.

    `services` keeps tenants apart: one of this installation that it does not name has nothing there. Without both the
    service must have one StorageService only, or none, and then all of its Storage counts.
    """

    name: ClassVar[str] = "swordfish"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["user", "password"],
        "properties": {
            "user": {"type": "string", "minLength": 1, "description": "A user of the service."},
            "password": CREDENTIAL["password"],
            "ca": {
                "type": "string",
                "pattern": "-----BEGIN CERTIFICATE-----",
                "description": "The CA that its certificate comes from, as PEM text; without it the usual ones.",
            },
            "service": {
                "type": "string",
                "minLength": 1,
                "description": "The StorageService there (Id or Name) that everybody uses; or the Storage.",
            },
            "services": {
                "type": "object",
                "additionalProperties": {"type": "string", "minLength": 1},
                "description": "The StorageService there (Id or Name) for each tenant here (id); others have none.",
            },
            "chap_key": {
                "type": "string",
                "minLength": 16,
                "writeOnly": True,
                "description": "What the CHAP secrets of attachments are made from; never to be changed while there are"
                " any. Without it attachments have no secrets.",
            },
        },
    }

    def __init__(self, setup: AdapterSetup) -> None:
        super().__init__(setup)
        credential = setup.credential
        if credential is None or not credential.user or not credential.password:
            raise Invalid("It needs a credential.", next_step="Give user and the secret password.")
        settings = setup.settings
        self._client = Client(
            setup.name, checked(setup.address), credential, ca=settings.get("ca"), timeout=setup.timeout
        )
        self._site = Site(self._client, settings.get("service"), settings.get("services"))
        self._accepted = Accepted(credential.password)
        key = setup.secrets.get("chap_key")
        self._chap = None if key is None else Chap(key)

    def storage(self, context: Context) -> Storage:
        return SwordfishStorage(context, self.setup.name, self._site, self._accepted, self._chap)

    def close(self) -> None:
        self._client.close()


def checked(address: str | None) -> str:
    """`https://HOST[:PORT]`, or plain HTTP on loopback; raises `Invalid`."""
    parts = urlsplit(address or "")
    usable = parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or ""))
    if address is None or not usable or not parts.hostname or parts.query or parts.fragment:
        raise Invalid(
            "The address is not one of a Redfish service.",
            next_step="Use https://HOST:PORT; plain HTTP is for loopback only.",
            field="address",
        )
    if parts.path.strip("/") not in ("", "redfish", "redfish/v1"):
        raise Invalid("The address has a path.", next_step="Use https://HOST:PORT.", field="address")
    return f"{parts.scheme}://{parts.netloc}"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
