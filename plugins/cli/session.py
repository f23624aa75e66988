"""Which Isthmus the command speaks to, as whom, and how it prints."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...adapters.contract import Administration, Storage
from ...adapters.remote import RemoteAdapter
from ...adapters.remote.actions import RemoteActions
from ...core.context import Context
from ...core.errors import Misconfigured
from ...core.model.request import Credential

_PLACES = ("~/.config/isthmus/client.toml", "/var/lib/isthmus/client.toml", "~/.local/share/isthmus/client.toml")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to and with what: from options, `ISTHMUS_ADDRESS`/`_CA`/`_TOKEN`/`_TENANT`, or a client file."""

    address: str
    ca: str | None
    token: str
    tenant: str | None


class Session:
    """Made for each run of the command; connects when it is first needed. `tenant` None leaves it to environment and
    file, an empty one is none."""

    def __init__(
        self, *, client: str | None, address: str | None, ca: str | None, tenant: str | None, as_json: bool
    ) -> None:
        self._client, self._address, self._ca, self._tenant = client, address, ca, tenant
        self.as_json = as_json

    @cached_property
    def target(self) -> Target:
        """Raises `Misconfigured` when it is not known where Isthmus is."""
        known = self._read()
        environment = os.environ
        address = self._address or environment.get("ISTHMUS_ADDRESS") or known.get("address")
        token = environment.get("ISTHMUS_TOKEN") or known.get("token")
        if not address or not token:
            raise Misconfigured(
                "It is not known where Isthmus is, or who you are.",
                next_step="Start a server with `isthmus serve`, point --client at its client.toml, or set "
                "ISTHMUS_ADDRESS, ISTHMUS_CA and ISTHMUS_TOKEN.",
            )
        tenant = self._tenant
        if tenant is None:
            tenant = environment.get("ISTHMUS_TENANT") or known.get("tenant")
        return Target(
            address=str(address),
            ca=self._ca or environment.get("ISTHMUS_CA") or known.get("ca"),
            token=str(token),
            tenant=tenant or None,
        )

    @cached_property
    def adapter(self) -> RemoteAdapter:
        return RemoteAdapter(self.target.address, ca=self.target.ca)

    @cached_property
    def context(self) -> Context:
        return self.adapter.authenticate(Credential(token=self.target.token), tenant=self.target.tenant)

    @cached_property
    def storage(self) -> Storage:
        return self.adapter.storage(self.context)

    @cached_property
    def actions(self) -> RemoteActions:
        return self.adapter.actions(self.context)

    @cached_property
    def administration(self) -> Administration:
        return self.adapter.administration(self.context)

    def _read(self) -> dict[str, Any]:
        """The client file: the one named, or the first that this user can read."""
        named = self._client or os.environ.get("ISTHMUS_CLIENT")
        for place in (named,) if named else _PLACES:
            path = Path(place).expanduser()
            try:
                known = tomllib.loads(path.read_text(encoding="utf-8"))
            except (FileNotFoundError, PermissionError, NotADirectoryError):
                if named:
                    raise Misconfigured(f"The client file {path} cannot be read.") from None
                continue
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise Misconfigured(f"The client file {path} is not TOML: {error}.") from error
            return {**known, "ca": _beside(path, known.get("ca"))}
        return {}


def _beside(file: Path, ca: Any) -> str | None:
    """The CA of a client file: its PEM text, or a file named relative to the client file."""
    if not ca:
        return None
    return str(ca) if "-----BEGIN" in str(ca) else str((file.parent / str(ca)).resolve())
