"""A plug-in as the client has read it: its manifest, and where the reverse proxy shows its servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.simulators.vcenter import VCenter, plugin_loader

PROXIED = "/plugins/"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server of the plug-in, known by the certificate (PEM) or the thumbprint that was registered."""

    host: str
    port: int
    certificate: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """What became of a registered plug-in; without a manifest `reason` says why."""

    key: str
    reason: str = ""
    manifest: Any = None
    prefix: str = ""
    folder: str = ""
    upstream: Upstream | None = None
    backends: Any = None

    def to_json(self) -> dict[str, Any]:
        """For the client's page."""
        return {
            "reason": self.reason,
            "manifest": self.manifest,
            "folder": f"{self.prefix}{self.folder}",
            "backends": self.backends,
        }


def read(vcenters: list[VCenter], key: str) -> Plugin:
    """The plug-in that is registered under `key` with the first of the vCenters, judged by its loader."""
    first = vcenters[0]
    deployment = plugin_loader.load(first, key)
    if deployment.state != plugin_loader.DEPLOYED:
        return Plugin(key, f"{deployment.state}: {deployment.reason}")
    extension = first.extensions.registered(key)
    assert extension is not None
    server = extension.server[0]
    address = urlsplit(server.url)
    prefix = f"{PROXIED}{key}~{extension.version}"
    return Plugin(
        key,
        manifest=deployment.manifest,
        prefix=prefix,
        folder=address.path.rpartition("/")[0] + "/",
        upstream=Upstream(
            address.hostname or "",
            address.port or 443,
            getattr(server, "serverCertificate", None) or "",
            server.serverThumbprint or "",
        ),
        backends=_backends(vcenters, key, prefix),
    )


def _backends(vcenters: list[VCenter], key: str, prefix: str) -> dict[str, Any]:
    """`app.getPluginBackendInfo`: the plug-in's servers, all and by the GUID of the vCenter that has them."""
    by_vcenter = {
        vc.guid: [{"proxiedBaseUrl": prefix, "type": each.type} for each in found.server]
        for vc in vcenters
        if (found := vc.extensions.registered(key)) is not None
    }
    every = {each["type"]: each for servers in by_vcenter.values() for each in servers}
    return {"allPluginBackendServers": list(every.values()), "backendServersPerVc": by_vcenter}
