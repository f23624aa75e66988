"""What an adapter is made with when an administrator configures a system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...core.model.request import Credential
from .adapter import Adapter

CREDENTIAL: Mapping[str, Any] = {
    "token": {"type": "string", "minLength": 1, "writeOnly": True, "description": "A token of the system."},
    "user": {"type": "string", "minLength": 1, "description": "A user of the system, instead of a token."},
    "password": {"type": "string", "minLength": 1, "writeOnly": True, "description": "The user's password."},
}
"""Properties for the `settings_schema` of an adapter whose system asks for a token, or for a user with a password."""


@dataclass(frozen=True, slots=True)
class AdapterSetup:
    """What an adapter is made with.

    `system` is the system's id, `name` what the administrator calls it, `address` where it is (None where the adapter
    needs none). `settings` satisfy the adapter's `settings_schema`, defaults filled in; `secrets` are those that it
    names as `writeOnly`. A single call of the system may take `timeout` seconds.
    """

    system: str
    name: str
    address: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0

    @property
    def credential(self) -> Credential | None:
        """What the adapter shows the system where its schema has the properties of `CREDENTIAL`; None without any."""
        token, user = self.secrets.get("token"), self.settings.get("user")
        if token:
            return Credential(token=token)
        return Credential(user=str(user), password=self.secrets.get("password")) if user else None


class AdapterFactory(Protocol):
    """What an entry point of the namespace `isthmus.adapters` names: an adapter's class, or a function with the same
    attributes.

    `name` is the name of the entry point. `contract_version` is the `CONTRACT_VERSION` it was written for.
    `settings_schema` is a JSON Schema (2020-12) of an object; a secret property is a text and says `writeOnly: true`.
    """

    name: str
    contract_version: int
    settings_schema: Mapping[str, Any]

    def __call__(self, setup: AdapterSetup) -> Adapter:
        """An adapter for this system. No I/O, no thread: a system that does not answer must not keep a server from
        starting. Raises `Invalid` for an address or settings that can never work, with no secret in the sentence."""
