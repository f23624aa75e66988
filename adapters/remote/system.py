"""An Isthmus elsewhere as a configured system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests

from ...core.context import Context
from ...core.errors import Forbidden, Invalid, Misconfigured
from ...core.model.request import Credential
from ..contract.setup import CREDENTIAL, AdapterSetup
from .adapter import RemoteAdapter
from .bound import Caller
from .client import Client


class RemoteSystem(RemoteAdapter):
    """Acts there with the system's own credential, for the tenant that `tenants` or `tenant` names.

    `tenants` keeps tenants apart: one of this installation that it does not name has nothing there. Without both the
    credential's own tenant counts. Whoever shows a credential of the other installation to `authenticate` acts as
    himself.
    """

    name: ClassVar[str] = "remote"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **CREDENTIAL,
            "ca": {
                "type": "string",
                "pattern": "-----BEGIN CERTIFICATE-----",
                "description": "The CA that its certificate comes from, as PEM text; without it the usual ones.",
            },
            "tenant": {
                "type": "string",
                "minLength": 1,
                "description": "The tenant there (id or name) that everybody acts for.",
            },
            "tenants": {
                "type": "object",
                "additionalProperties": {"type": "string", "minLength": 1},
                "description": "The tenant there (id or name) for each tenant here (id); others have nothing there.",
            },
        },
    }

    def __init__(self, setup: AdapterSetup) -> None:
        credential = setup.credential
        if credential is None:
            raise Invalid("It needs a credential.", next_step="Give the secret token, or user and the secret password.")
        ca = setup.settings.get("ca")
        client = _OwnClient(_checked(setup.address), credential, ca=ca, timeout=setup.timeout)
        super().__init__(client.address, credential=credential, client=client)
        self._own = credential
        self._tenant: str | None = setup.settings.get("tenant")
        self._tenants: Mapping[str, str] | None = setup.settings.get("tenants")

    def _caller(self, context: Context) -> Caller:
        if context in self._known or (context.tenant, context.user) in self._known:
            return super()._caller(context)
        return Caller(self._client, self._own, replace(context, tenant=self._acting(context)))

    def _acting(self, context: Context) -> str | None:
        if self._tenants is None or context.tenant is None:
            return self._tenant
        if context.tenant not in self._tenants:
            raise Forbidden(
                f"The tenant {context.tenant} has no tenant in this system.",
                next_step="Ask an administrator to name one in the system's setting `tenants`.",
            )
        return self._tenants[context.tenant]


class _OwnClient(Client):
    """A refusal of `own`, the system's credential, is no refusal of whoever asks."""

    def __init__(self, address: str, own: Credential, *, ca: str | None, timeout: float) -> None:
        super().__init__(address, ca=ca, timeout=timeout)
        self._own = own

    def send(self, method: str, path: str, *, credential: Credential, **given: Any) -> requests.Response:
        answer = super().send(method, path, credential=credential, **given)
        if answer.status_code == 401 and credential is self._own:
            answer.close()
            raise Misconfigured(
                f"{self.address} does not accept the credential of this system.",
                next_step="Give the system another one: `isthmus system update NAME --secret token`.",
            )
        return answer


def _checked(address: str | None) -> str:
    """`https://HOST[:PORT]`, or plain HTTP on loopback; raises `Invalid`."""
    parts = urlsplit(address or "")
    usable = parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or ""))
    if address is None or not usable or not parts.hostname or parts.query or parts.fragment:
        raise Invalid(
            "The address is not one of an Isthmus.",
            next_step="Use https://HOST:PORT; plain HTTP is for loopback only.",
            field="address",
        )
    return address


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
