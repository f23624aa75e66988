"""What is asked of the registration, as inputs of its actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..connection.soap import Connection, Who

_PEM = {"type": "string", "contentMediaType": "application/x-pem-file", "maxLength": 65536}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 1024}
_SECRET = {"type": "string", "writeOnly": True, "maxLength": 1024}

VCENTER = {**_TEXT, "description": "The vCenter: its address, or once registered also its GUID."}
_LOGIN: Mapping[str, Any] = {
    "user": {**_TEXT, "description": "A user of the vCenter who may register extensions, as user@domain."},
    "password": {**_SECRET, "description": "That user's password; it is not kept."},
}
_TRUST: Mapping[str, Any] = {
    "pin": {**_TEXT, "description": "The SHA-256 fingerprint of the vCenter's certificate."},
    "ca": {**_PEM, "description": "Instead of a pin: the CA that signed the vCenter's certificate, PEM."},
}
_ACCOUNT: Mapping[str, Any] = {
    "service_user": {**_TEXT, "description": "The account that the plug-in itself uses there, as user@domain."},
    "service_password": {**_SECRET, "description": "That account's password; it is kept sealed."},
}
_MORE: Mapping[str, Any] = {
    "administrators": {
        "type": "boolean",
        "description": "Whether people with Isthmus.Administer there are administrators of this installation.",
    },
    "alias": {
        "type": "array",
        "items": _TEXT,
        "maxItems": 16,
        "description": "Other names under which the vSphere Client of this vCenter is opened.",
    },
    "next_certificate": {
        **_PEM,
        "description": "The certificate that our server will serve next, PEM: announced before it changes over.",
    },
}


def _input(*required: str, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**found, "required": list(required)} if required else found


REGISTER = _input(
    "vcenter",
    "user",
    "password",
    vcenter=VCENTER,
    **_LOGIN,
    **_TRUST,
    **_ACCOUNT,
    tenant={**_TEXT, "description": "The tenant, by name or id, that all users of this vCenter act in."},
    **_MORE,
)
UPGRADE = _input(vcenter={**VCENTER, "description": "One vCenter; all of them without."}, **_LOGIN, **_TRUST,
                 **_ACCOUNT, **_MORE)  # fmt: skip
UNREGISTER = _input(
    "vcenter",
    vcenter=VCENTER,
    **_LOGIN,
    **_TRUST,
    forget={
        "type": "boolean",
        "default": False,
        "description": "Forget it here even if the vCenter cannot be reached, or operations there have not ended.",
    },
)
DOCTOR = _input(
    vcenter={**VCENTER, "description": "One vCenter; all of them without."},
    **_LOGIN,
    repair={"type": "boolean", "default": False, "description": "Put right what can be put right."},
)


@dataclass(frozen=True, slots=True)
class Login:
    """A user and password for one call; nobody's without a user."""

    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"

    def enter(self, connection: Connection) -> Who:
        """Log in; raises `LoginRefused`."""
        return connection.login(self.user, self.password)

    @classmethod
    def of(cls, given: Mapping[str, Any], prefix: str = "") -> Login:
        return cls(str(given.get(f"{prefix}user", "")), str(given.get(f"{prefix}password", "")))
