"""A certificate as it is served: its fingerprint, its dates and its names."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ....core.errors import Invalid
from .errors import Unreachable

if TYPE_CHECKING:
    from cryptography import x509

_HEX = re.compile(r"[0-9A-F]{64}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)


@dataclass(frozen=True)
class Certificate:
    """One certificate, PEM."""

    pem: str

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of its DER form, in pairs with colons, as vCenter and browsers show it."""
        return fingerprint_of(ssl.PEM_cert_to_DER_cert(self.pem))

    @property
    def not_before(self) -> datetime:
        """UTC."""
        return self._loaded.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """UTC."""
        return self._loaded.not_valid_after_utc

    @property
    def names(self) -> frozenset[str]:
        """The host names and addresses it is good for (subject alternative names), in small letters."""
        from cryptography import x509

        try:
            found = self._loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return frozenset()
        dns = found.get_values_for_type(x509.DNSName)
        addresses = found.get_values_for_type(x509.IPAddress)
        return frozenset([*(name.lower() for name in dns), *(str(address) for address in addresses)])

    def serves(self, host: str) -> bool:
        """Whether it names `host`, by itself or by a wildcard for the first label (RFC 9525, section 6.3)."""
        wanted = host.lower().strip("[]")
        return wanted in self.names or f"*.{wanted.partition('.')[2]}" in self.names

    @cached_property
    def _loaded(self) -> x509.Certificate:
        from cryptography import x509

        return x509.load_pem_x509_certificate(self.pem.encode())


def fingerprint_of(der: bytes) -> str:
    """SHA-256 of a certificate in its DER form, in pairs with colons."""
    digest = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def fingerprint(text: str) -> str:
    """A SHA-256 fingerprint that a person typed, in the one form; raises `Invalid` (SHA-1 is not enough)."""
    plain = re.sub(r"[\s:-]", "", text).upper().removeprefix("SHA256")
    if not _HEX.fullmatch(plain):
        raise Invalid(
            "The pin is not a SHA-256 fingerprint of a certificate.",
            next_step="Give 64 hexadecimal digits, with or without colons.",
            field="pin",
        )
    return ":".join(plain[at : at + 2] for at in range(0, 64, 2))


def certificates(pem: str) -> tuple[Certificate, ...]:
    """The certificates in a PEM text, in its order; raises `Invalid` when there is none or one cannot be read."""
    found = tuple(Certificate(part + "\n") for part in _PEM.findall(pem))
    if not found:
        raise Invalid("There is no certificate in the text.", next_step="Give a certificate in PEM form.", field="ca")
    try:
        for each in found:
            _ = each.not_after
    except ValueError:
        raise Invalid("A certificate in the text cannot be read.", field="ca") from None
    return found


def served(host: str, port: int, *, timeout: float = 5.0) -> Certificate:
    """The certificate that is served there now, trusted in nothing: it is only looked at and compared.

    Not a word is sent over this connection. Raises `Unreachable`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name = host.strip("[]")
    try:
        with (
            socket.create_connection((name, port), timeout=timeout) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
    except OSError as error:
        raise Unreachable(
            f"No certificate could be had from {host} port {port}: {reason(error)}.",
            next_step="Check the address, the port and the network between.",
            vcenter=host,
        ) from None
    if not der:
        raise Unreachable(f"{host} port {port} showed no certificate.", vcenter=host)
    return Certificate(ssl.DER_cert_to_PEM_cert(der))


def reason(error: BaseException) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({getattr(error, 'reason', '') or 'no reason given'})"
    text = error.strerror if isinstance(error, OSError) else str(error)
    return text or type(error).__name__
