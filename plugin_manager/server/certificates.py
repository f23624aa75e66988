"""The server's certificate as files: issued and renewed by the installation's CA, or the administrator's own."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import IsthmusError, Misconfigured
from ..contract import StopSignal
from ..settings import WILDCARDS, Configuration

_log = logging.getLogger(__name__)

FOLDER = "tls"
RENEWAL_SECONDS = 3600.0
"""How often is looked whether the certificate is due; it is renewed weeks before it ends."""

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the certificate with its chain, its key (PKCS#8, 0600) and the CA lie. PEM all of them."""

    certificate: Path
    key: Path
    authority: Path

    @property
    def complete(self) -> bool:
        """Whether all are there."""
        return self.certificate.is_file() and self.key.is_file() and self.authority.is_file()


def files_of(configuration: Configuration) -> CertificateFiles:
    """The files that the server uses; made by `ensure`."""
    folder = configuration.state / FOLDER
    return CertificateFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem")


def server_names(configuration: Configuration) -> tuple[str, ...]:
    """Every name under which a client may reach this server."""
    host, hostname = configuration.listen.host, socket.gethostname()
    names = [
        *configuration.tls.names,
        *([] if host in WILDCARDS else [host]),
        configuration.address,
        *([hostname] if _HOST_NAME.fullmatch(hostname) else []),
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    return tuple(dict.fromkeys(name for name in names if name))


def ensure(configuration: Configuration, authority: tuple[bytes, bytes]) -> bool:
    """Make the files what they should be; returns whether the certificate is another one than before.

    `authority` is the CA's certificate and key. With `tls.mode` files the administrator's are checked and copied,
    the key as PKCS#8; while they do not fit, the administrator's former ones are kept as long as they are valid. Safe
    in several processes at once. Raises `Misconfigured`.
    """
    from ...core.security.authority import Credential, needs_renewal

    files = files_of(configuration)
    files.certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(files.certificate.parent):
        before = _read(files.certificate)
        if configuration.tls.mode == "files":
            try:
                certificate, key, ca = _own(configuration, authority[0])
            except Misconfigured as error:
                if _broken(before, _read(files.key)) or not needs_renewal(before, authority=Credential(*authority)):
                    raise
                _log.error("the certificate that was served before stays: %s", error)
                return False
        else:
            certificate, key, ca = _issued(configuration, files, authority)
        _write(files.authority, ca, 0o644)
        if certificate != before or key != _read(files.key):
            # The key first: a reader that meets the new certificate must find its key.
            _write(files.key, key, 0o600)
            _write(files.certificate, certificate, 0o644)
        return certificate != before


def vouches(configuration: Configuration, certificate: bytes) -> bool:
    """Whether a certificate (PEM) is this node's, or with `tls.mode` own one that the CA issued to any node's server.
    Raises `Misconfigured` for what is none."""
    from ...core.security.authority import fingerprint, is_server_of

    if configuration.tls.mode == "off":
        return False
    files = files_of(configuration)
    ours, ca = _read(files.certificate), _read(files.authority)
    if ours and fingerprint(ours) == fingerprint(certificate):
        return True
    return configuration.tls.mode == "own" and bool(ca) and is_server_of(certificate, ca)


def keep(
    configuration: Configuration,
    authority: tuple[bytes, bytes],
    stopping: StopSignal,
    renewed: Callable[[], None],
    every: float = RENEWAL_SECONDS,
) -> None:
    """Renew the certificate in time until `stopping`; calls `renewed` each time there is another one."""
    while not stopping.wait(every):
        try:
            if ensure(configuration, authority):
                _log.info("the server's certificate was renewed")
                renewed()
        except (IsthmusError, OSError) as error:
            _log.error("the server's certificate could not be renewed: %s", error)


def _issued(
    configuration: Configuration, files: CertificateFiles, authority: tuple[bytes, bytes]
) -> tuple[bytes, bytes, bytes]:
    from ...core.security.authority import Credential, issue_server_certificate, needs_renewal

    issuer, names = Credential(*authority), server_names(configuration)
    certificate, key = _read(files.certificate), _read(files.key)
    if (
        not certificate
        or not key
        or _broken(certificate, key)
        or needs_renewal(certificate, authority=issuer, names=names)
    ):
        issued = issue_server_certificate(issuer, names)
        certificate, key = issued.certificate + issuer.certificate, issued.key
    return certificate, key, issuer.certificate


def _own(configuration: Configuration, authority: bytes) -> tuple[bytes, bytes, bytes]:
    from cryptography.hazmat.primitives import serialization

    from ...core.security.authority import Credential, check_credential

    tls = configuration.tls
    parts = []
    for path in (tls.certificate, tls.key):
        try:
            parts.append(b"" if path is None else path.read_bytes())
        except OSError as error:
            raise Misconfigured(f"{path} cannot be read: {error.strerror}.", key="tls.certificate") from None
    certificate, key = parts
    check_credential(Credential(certificate, key))
    loaded = serialization.load_pem_private_key(key, password=None)
    form = serialization.PrivateFormat.PKCS8
    key = loaded.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    # What clients must trust is whoever signed the administrator's certificate; that is theirs to know.
    return certificate, key, authority


def _broken(certificate: bytes, key: bytes) -> bool:
    from ...core.security.authority import Credential, check_credential

    try:
        check_credential(Credential(certificate, key))
    except Misconfigured:
        return True
    return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file whole; a reader sees the old or the new one."""
    if _read(path) == content:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
