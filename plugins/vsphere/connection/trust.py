"""What makes a vCenter's certificate the right one: a pinned certificate, or an authority. There is no third way.

The library that speaks to vCenter leaves verification off for loopback and takes a wrong thumbprint where the chain
validates, so neither its pins nor its defaults are used: it is given a context of ours.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import Invalid
from .certificate import Certificate, certificates, fingerprint, fingerprint_of, served
from .errors import CertificateExpired, WrongCertificate

_RENEWED = (
    "If the vCenter's certificate was renewed, compare the served fingerprint with the one in its own management "
    "interface and run `isthmus vsphere upgrade` with the new --pin. If not, somebody stands between."
)
_MISTYPED = (
    "Compare the served fingerprint with the one in the vCenter's own management interface. If they are the same, give "
    "it as --pin. If not, somebody stands between."
)
_EXPIRED = 10
_NOT_YET_VALID = 9
# Of OpenSSL's X509_V_ERR codes.


@dataclass(frozen=True, slots=True)
class Trust:
    """Either `certificate`, the one that is accepted and under any name, or `authority`, one or more CAs whose
    certificates are accepted under their own names. PEM both."""

    certificate: str = ""
    authority: str = ""

    def __post_init__(self) -> None:
        if bool(self.certificate) == bool(self.authority):
            raise Invalid(
                "Say by what the vCenter's certificate is verified: a pin or an authority, one of them.",
                next_step="Give the SHA-256 fingerprint that the vCenter shows as pin, or its CA in PEM form as ca.",
                field="pin",
            )

    @property
    def pin(self) -> str:
        """The fingerprint of the pinned certificate; empty with an authority."""
        return Certificate(self.certificate).fingerprint if self.certificate else ""

    def context(self) -> ssl.SSLContext:
        """What to connect with."""
        context = ssl.create_default_context(cadata=self.certificate or self.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            # The certificate itself is what is trusted, whoever signed it and whatever its name is.
            context.check_hostname = False
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            context.sslsocket_class = _pinned_socket(self.pin)
        return context

    def to_json(self) -> dict[str, Any]:
        return {"certificate": self.certificate, "authority": self.authority}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Trust:
        return cls(str(document.get("certificate", "")), str(document.get("authority", "")))


def pinned(host: str, port: int, pin: str) -> Trust:
    """Trust in what `host` serves now, which must have the SHA-256 fingerprint `pin`.

    Raises `Invalid` for a pin that is none, `Unreachable`, and `WrongCertificate` naming both fingerprints.
    """
    wanted = fingerprint(pin)
    found = served(host, port)
    if found.fingerprint != wanted:
        raise _mismatch(host, wanted, found.fingerprint, _MISTYPED)
    return Trust(certificate=found.pem)


def signed_by(authority: str) -> Trust:
    """Trust in an authority's certificates; raises `Invalid` when the text holds none."""
    return Trust(authority="".join(each.pem for each in certificates(authority)))


def _mismatch(host: str, expected: str, found: str, cure: str) -> WrongCertificate:
    return WrongCertificate(
        f"{host} serves another certificate than the pinned one: expected {expected}, served {found}.",
        next_step=cure,
        expected=expected,
        served=found,
    )


def refused(host: str, port: int, trust: Trust, error: ssl.SSLCertVerificationError) -> Exception:
    """Why a certificate was not accepted, as an error of ours."""
    # What our own comparison raises has neither code nor message.
    code = getattr(error, "verify_code", 0)
    message = getattr(error, "verify_message", "") or getattr(error, "reason", "") or "it does not verify"
    if code in (_EXPIRED, _NOT_YET_VALID):
        when = "has expired" if code == _EXPIRED else "is not valid yet"
        return CertificateExpired(
            f"The certificate of {host} {when}.",
            next_step="Renew the vCenter's certificate, or set the clock right. Where the vCenter is registered "
            "already, `isthmus vsphere upgrade` takes the new --pin.",
            vcenter=host,
        )
    if trust.certificate:
        found = served(host, port).fingerprint
        if found != trust.pin:
            return _mismatch(host, trust.pin, found, _RENEWED)
    return WrongCertificate(
        f"The certificate of {host} is not accepted: {message}.",
        next_step="Check that the CA given is the one that signed it, and that it names the address used.",
        vcenter=host,
    )


def _pinned_socket(pin: str) -> type[ssl.SSLSocket]:
    """A socket whose handshake ends only with the certificate that has this fingerprint: a chain that happens to
    validate against the pinned one is not enough."""

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            if fingerprint_of(self.getpeercert(binary_form=True) or b"") != pin:
                raise ssl.SSLCertVerificationError("the certificate is not the pinned one")

    return PinnedSocket
