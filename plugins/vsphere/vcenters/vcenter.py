"""A vCenter that this installation serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..connection.endpoint import Endpoint, address
from ..connection.trust import Trust


@dataclass(frozen=True, slots=True)
class Registration:
    """What was registered with the vCenter's extension manager. `pin` is the fingerprint of our own certificate that
    it was told, `next_certificate` the one which is to follow (PEM), if it was announced. `url` is the manifest's."""

    version: str
    url: str
    pin: str
    next_certificate: str = ""


@dataclass(frozen=True, slots=True)
class VCenter:
    """One vCenter, by its GUID (instanceUuid). All its users act in `tenant`.

    `service_user` is the account that the plug-in itself uses there; its password lies sealed beside. `release` and
    `api` are the vCenter's own version and that of its API. `aliases` are other names under which the vSphere Client
    may call itself. `administrators`: whether its people with the privilege `Isthmus.Administer` are administrators of
    this installation. `version` is the record's, for compare-and-swap.
    """

    guid: str
    host: str
    port: int
    trust: Trust
    tenant: str
    service_user: str = ""
    release: str = ""
    api: str = ""
    aliases: tuple[str, ...] = ()
    registration: Registration | None = None
    administrators: bool = False
    version: int = 0

    @property
    def endpoint(self) -> Endpoint:
        """Where and how it is reached."""
        return Endpoint(self.host, self.port, self.trust)

    @property
    def name(self) -> str:
        """What people call it, and what stands behind the last @ of its users' names."""
        return address(self.host, self.port)

    @property
    def state(self) -> str:
        """`registered`, or `known` when the plug-in was not registered there to the end."""
        return "registered" if self.registration is not None else "known"

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "trust": self.trust.to_json(),
            "service_user": self.service_user,
            "release": self.release,
            "api": self.api,
            "aliases": list(self.aliases),
            "administrators": self.administrators,
            "registration": None if self.registration is None else asdict(self.registration),
        }

    @classmethod
    def from_json(cls, guid: str, tenant: str, version: int, body: Mapping[str, Any]) -> VCenter:
        registration = body.get("registration")
        return cls(
            guid=guid,
            host=str(body["host"]),
            port=int(body["port"]),
            trust=Trust.from_json(body["trust"]),
            tenant=tenant,
            service_user=str(body.get("service_user", "")),
            release=str(body.get("release", "")),
            api=str(body.get("api", "")),
            aliases=tuple(body.get("aliases", ())),
            registration=None if registration is None else Registration(**registration),
            administrators=bool(body.get("administrators", False)),
            version=version,
        )
