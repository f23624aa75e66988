"""Our own server, looked at from outside as a vCenter will: what it serves, and whether the plug-in would load."""

from __future__ import annotations

import io
import ipaddress
import json
import ssl
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from ....core.errors import IsthmusError, Misconfigured
from ....core.model.description import Finding
from ....core.model.identity import now
from ....ui_bridge.manifest import fault
from ..connection.certificate import Certificate, reason, served
from ..connection.endpoint import Endpoint, split
from ..connection.https import ask
from ..connection.trust import Trust

_SOON = timedelta(days=7)
REPAIR = "Run `isthmus vsphere doctor` with --repair."
COMPARE = (
    "It is neither the server's own nor was it announced. Compare it with that of the proxy before the server: if it "
    "is the same, run `isthmus vsphere upgrade`; if not, somebody else answers at our address."
)


@dataclass(frozen=True, slots=True)
class OurServer:
    """`address` is the public one (`https://host:port`), through whatever stands before the server. `vouches` says of a
    certificate (PEM) whether it is the server's own; what a proxy before it serves is not."""

    address: str
    vouches: Callable[[str], bool] = lambda certificate: False

    def familiar(self, certificate: Certificate, pins: Collection[str]) -> bool:
        """Whether vCenters may be told of it without a person's word: it is our own, or one of those that a person
        registered or announced."""
        return certificate.fingerprint in pins or self.vouches(certificate.pem)

    def certificate(self) -> Certificate:
        """What is really served there now; raises `Misconfigured` when nothing is, or not over TLS."""
        if not self.address.startswith("https://"):
            raise Misconfigured(
                f"A vCenter loads plug-ins over TLS only, and this server is at {self.address}.",
                next_step="Set tls.mode to own or files, or the plugin's setting address to that of the TLS proxy.",
            )
        host, port = split(self.address)
        try:
            return served(host, port)
        except IsthmusError as error:
            raise Misconfigured(
                f"This server does not answer at its own public address {self.address}: {error.message}",
                next_step="Set the plugin's setting address (or `listen.public` in isthmus.toml) to one that works.",
            ) from None

    def judge(
        self, url: str, version: str, *, from_host: str = "", pin: str = "", pins: Collection[str] = ()
    ) -> Iterator[Finding]:
        """Whether a vCenter that has `url`, and `pin` where one is known, would load the plug-in: one finding for
        each thing it does, in its order, and what to do where it would fail. `pins` are those that a person registered
        or announced."""
        if version.count(".") > 3 or not all(part.isdigit() for part in version.split(".")):
            yield Finding("version", "error", f"{version} is not one to four numbers with dots.")
        yield self._place(from_host)
        try:
            certificate = self.certificate()
        except IsthmusError as error:
            yield Finding("reachable", "error", error.message, error.next_step or "")
            return
        yield from self._certificate(certificate, pin, pins)
        yield self._manifest(url, certificate)

    def _place(self, from_host: str) -> Finding:
        host, _ = split(self.address)
        if _loopback(host) and not _loopback(from_host):
            return Finding(
                "address",
                "error",
                f"{self.address} is this machine's own loopback, which a vCenter does not reach.",
                "Set `listen.public` in isthmus.toml, or the plugin's setting address, to the name others reach it by.",
            )
        return Finding("address", "ok", f"The vCenter is pointed at {self.address}.")

    def _certificate(self, certificate: Certificate, pin: str, pins: Collection[str]) -> Iterator[Finding]:
        host, _ = split(self.address)
        moment = now()
        if not certificate.not_before <= moment < certificate.not_after:
            yield Finding(
                "certificate",
                "error",
                f"The certificate served at {self.address} is valid from {certificate.not_before:%Y-%m-%d} "
                f"to {certificate.not_after:%Y-%m-%d} only.",
                "Renew it: the server does so itself with tls.mode own.",
            )
        elif certificate.not_after - moment < _SOON:
            yield Finding(
                "certificate",
                "warning",
                f"The certificate ends at {certificate.not_after:%Y-%m-%d %H:%M} UTC.",
                "Renew it, and announce the next one: isthmus vsphere upgrade --next-certificate FILE.",
            )
        else:
            yield Finding("certificate", "ok", f"Valid until {certificate.not_after:%Y-%m-%d}.")
        if not certificate.serves(host):
            named = ", ".join(sorted(certificate.names)) or "nothing"
            yield Finding(
                "names",
                "error",
                f"The certificate is for {named}, not for {host}.",
                "Add the name to tls.names in isthmus.toml, or set the address to one of those.",
            )
        if pin and pin != certificate.fingerprint:
            yield Finding(
                "pin",
                "error",
                f"The vCenter was told the pin {pin}, but {certificate.fingerprint} is served.",
                REPAIR if self.familiar(certificate, pins) else COMPARE,
            )
        elif pin:
            yield Finding("pin", "ok", f"The registered pin is that of what is served: {pin}.")

    def _manifest(self, url: str, certificate: Certificate) -> Finding:
        host, port = split(self.address)
        endpoint = Endpoint(host, port, Trust(certificate=certificate.pem))
        try:
            reply = ask(endpoint, "GET", urlsplit(url).path)
        except ssl.SSLCertVerificationError as error:
            return Finding("manifest", "error", f"{url} cannot be fetched: {error.verify_message}.")
        except (OSError, HTTPException) as error:
            return Finding("manifest", "error", f"{url} cannot be fetched: {reason(error)}.")
        if reply.status != 200:
            return Finding(
                "manifest",
                "error",
                f"{url} answers {reply.status}.",
                "Look whether the plugin vsphere is loaded: isthmus plugin list. A proxy must let /vsphere through.",
            )
        try:
            document = _document(reply.content, url)
        except (ValueError, KeyError, zipfile.BadZipFile):
            return Finding("manifest", "error", f"What {url} answers is no manifest.")
        wrong = fault(document)
        if wrong:
            return Finding("manifest", "error", f"The manifest would be refused: {wrong}")
        return Finding("manifest", "ok", f"Fetched with the pin and well-formed ({document['manifestVersion']}).")


def errors(findings: list[Finding]) -> list[Finding]:
    """Those that keep the plug-in from loading."""
    return [each for each in findings if each.level == "error"]


def _document(content: bytes, url: str) -> dict[str, Any]:
    if url.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read("plugin.json")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
