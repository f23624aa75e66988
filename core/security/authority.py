"""The installation's own certificate authority. Pure functions from PEM to PEM: the caller stores and seals.

All keys are ECDSA P-256 in PKCS#8. Certificates are made so that OpenSSL, GnuTLS (and qemu's checks on top of it)
and Python's strict verification take them. Times are UTC.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from ..errors import Invalid, Misconfigured

AUTHORITY_DAYS = 3650
SERVER_DAYS = 90
CLIENT_DAYS = 90

# A machine whose clock is a little behind must not find a fresh certificate "not yet valid".
_BACKDATED = timedelta(hours=1)
# GnuTLS has names of its own for these.
_GNUTLS_NAMES = {
    NameOID.EMAIL_ADDRESS: "EMAIL",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.TITLE: "title",
    NameOID.STREET_ADDRESS: "street",
    NameOID.SURNAME: "surName",
    NameOID.GIVEN_NAME: "givenName",
    NameOID.PSEUDONYM: "pseudonym",
}
# qemu's NBD server looks at a peer's name and not at its purpose, so a server's name must be one that no client
# can have; hence the blank. Names to reach a server by are looked up among the alternatives only.
_SERVER_NAME = "Isthmus server"
# What qemu compares is GnuTLS's text of the name; in this alphabet no library escapes anything.
_COMMON_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its private key, both PEM (PKCS#8). The key is a secret: seal it or write it 0600."""

    certificate: bytes
    key: bytes = field(repr=False)

    @property
    def expires_at(self) -> datetime:
        """The end of the certificate's validity."""
        return _load(self.certificate).not_valid_after_utc


def make_authority(name: str | None = None, *, days: int = AUTHORITY_DAYS, now: datetime | None = None) -> Credential:
    """A new CA. Its default name ends in random letters, so that two installations' CAs fit one trust store."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name or f"Isthmus CA {secrets.token_hex(4)}")
    start = _moment(now)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _begin(subject, subject, key.public_key(), start, start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _credential(certificate, key)


def issue_server_certificate(
    authority: Credential, names: Iterable[str], *, days: int = SERVER_DAYS, now: datetime | None = None
) -> Credential:
    """A certificate for a server reached under `names`: host names and IP addresses, as text.

    Raises `Invalid` for no names or one that is neither, `Misconfigured` for a CA that has expired.
    """
    return _issue(
        authority,
        common_name=_SERVER_NAME,
        alternatives=_alternatives(names),
        purpose=ExtendedKeyUsageOID.SERVER_AUTH,
        days=days,
        now=now,
    )


def issue_client_certificate(
    authority: Credential, common_name: str, *, days: int = CLIENT_DAYS, now: datetime | None = None
) -> Credential:
    """A certificate by which a host proves that it is `common_name` (a host's or an attachment's id, an IQN).

    The name is 1 to 64 letters, digits and `. _ : @ / -`; `client_name` gives the text to authorise.
    Raises `Invalid` for another name, `Misconfigured` for a CA that has expired.
    """
    client_name(common_name)
    # Verifiers of the Web PKI kind demand an alternative name of clients too.
    alternative = x509.UniformResourceIdentifier(f"urn:isthmus:client:{quote(common_name, safe='')}")
    return _issue(
        authority,
        common_name=common_name,
        alternatives=[alternative],
        purpose=ExtendedKeyUsageOID.CLIENT_AUTH,
        days=days,
        now=now,
    )


def client_name(common_name: str) -> str:
    """The distinguished name of a client certificate for `common_name`, as qemu's `tls-authz` compares it.

    Raises `Invalid` for a name that `issue_client_certificate` would refuse.
    """
    if _COMMON_NAME.fullmatch(common_name) is None:
        raise Invalid(
            f"{common_name!r} cannot stand in a certificate",
            next_step="Use 1 to 64 letters, digits and . _ : @ / -, beginning with a letter or digit.",
        )
    return f"CN={common_name}"


def distinguished_name(certificate: bytes) -> str:
    """The certificate's subject as GnuTLS, and so qemu's `tls-authz`, writes it.

    That is RFC 4514's text but in the order of the certificate, where RFC 4514 asks for the reverse. Not covered:
    attributes that GnuTLS has no name for (it writes their bytes in hex); ours never hold one.
    """
    subject = _load(certificate).subject
    return ",".join(part.rfc4514_string(_GNUTLS_NAMES) for part in subject.rdns)


def renew_after(certificate: bytes) -> datetime:
    """When to replace a certificate: at two thirds of its life, so that a third is left to mend what fails."""
    loaded = _load(certificate)
    life = loaded.not_valid_after_utc - loaded.not_valid_before_utc
    return loaded.not_valid_before_utc + life * 2 / 3


def needs_renewal(
    certificate: bytes, *, authority: Credential, names: Iterable[str] = (), now: datetime | None = None
) -> bool:
    """Whether to issue anew: it is due, another CA signed it, or it lacks one of `names`."""
    loaded = _load(certificate)
    if _moment(now) >= renew_after(certificate) or not _signed_by(loaded, _load(authority.certificate)):
        return True
    wanted = _alternatives(names) if (names := tuple(names)) else []
    try:
        held = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return bool(wanted)
    return any(name not in held for name in wanted)


def is_server_of(certificate: bytes, authority: bytes) -> bool:
    """Whether a CA issued a certificate to a server, whenever that was. PEM both; raises `Misconfigured` for none."""
    loaded = _load(certificate)
    try:
        purposes = loaded.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.SERVER_AUTH in purposes and _signed_by(loaded, _load(authority))


def check_credential(credential: Credential, *, now: datetime | None = None) -> None:
    """Check a certificate and key that an administrator brought: readable, one pair, valid now.

    Raises `Misconfigured` with what is wrong. The certificate may be followed by its chain.
    """
    certificate, key = _load(credential.certificate), _load_key(credential.key)
    if key.public_key() != certificate.public_key():
        raise Misconfigured(
            "the private key does not belong to the certificate",
            next_step="Name the key from which the certificate was requested; the server's certificate comes first.",
        )
    moment = _moment(now)
    if moment < certificate.not_valid_before_utc:
        raise Misconfigured(f"the certificate is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    if moment >= certificate.not_valid_after_utc:
        raise Misconfigured(f"the certificate expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")


def fingerprint(certificate: bytes) -> str:
    """The certificate's SHA-256 in hex with colons, as people compare it."""
    return _load(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def _issue(
    authority: Credential,
    *,
    common_name: str,
    alternatives: list[x509.GeneralName],
    purpose: ObjectIdentifier,
    days: int,
    now: datetime | None,
) -> Credential:
    issuer, issuer_key = _load(authority.certificate), _load_key(authority.key)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise Misconfigured("the installation's CA key is not an elliptic-curve key")
    start = _moment(now)
    if start >= issuer.not_valid_after_utc:
        raise Misconfigured(
            f"the installation's CA expired at {issuer.not_valid_after_utc:%Y-%m-%d} UTC",
            next_step="Make a new CA and hand its certificate to the clients.",
        )
    end = min(start + timedelta(days=days), issuer.not_valid_after_utc)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _begin(_name(common_name), issuer.subject, key.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # Not critical: qemu before 10.2 refuses a critical one without keyEncipherment, which RFC 8813 forbids
        # for elliptic curves.
        .add_extension(_key_usage(signs_certificates=False), critical=False)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return _credential(certificate, key)


def _begin(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _BACKDATED)
        .not_valid_after(end)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    """DNS and address names, each once, in the given order."""
    found: list[x509.GeneralName] = []
    for text in names:
        name = _alternative(text)
        if name not in found:
            found.append(name)
    if not found:
        raise Invalid("a server certificate needs at least one host name or address")
    return found


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def _alternative(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    try:
        host = text.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    labels = host.removeprefix("*.").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(f"{text!r} is neither a host name nor an IP address")
    return x509.DNSName(host)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _moment(now: datetime | None) -> datetime:
    return (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _credential(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Credential:
    return Credential(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _load(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError:
        raise Misconfigured("this is not a PEM certificate") from None


def _load_key(key: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without its cause: a parser's complaint may quote the key.
        raise Misconfigured(
            "this is not a private key in PEM without a passphrase",
            next_step="Convert it with `openssl pkcs8 -topk8 -nocrypt`.",
        ) from None
