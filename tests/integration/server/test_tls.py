"""How connections to a server are protected."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import warnings
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from isthmus.core.security.authority import issue_server_certificate, make_authority
from tests.integration.server.running import Server, alive, running, until


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_versions_of_tls_are_spoken(shared: Server, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(shared.state / "tls" / "ca.pem"))
    context.minimum_version = context.maximum_version = version
    with closing(_connect(shared, context)) as connection:
        assert connection.version() == version.name.replace("_", ".")


def test_older_versions_of_tls_are_refused(shared: Server) -> None:
    context = ssl.create_default_context(cafile=str(shared.state / "tls" / "ca.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _connect(shared, context)


def test_the_certificate_holds_every_name_and_is_verified_strictly(shared: Server) -> None:
    context = ssl.create_default_context(cafile=str(shared.state / "tls" / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("127.0.0.1", "localhost"):
        with closing(_connect(shared, context, name)):
            pass
    with pytest.raises(ssl.SSLCertVerificationError):
        _connect(shared, context, "elsewhere.example")


def test_a_certificate_is_kept_over_restarts_and_made_anew_for_a_new_name(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        pem = server.state / "tls" / "server.pem"
        before = pem.read_bytes()
        server.stop()
        server.start()
        assert pem.read_bytes() == before
        server.stop()
        server.file.write_text(server.file.read_text() + '[tls]\nnames = ["storage.example"]\n')
        server.start()
        assert pem.read_bytes() != before
        context = ssl.create_default_context(cafile=str(server.state / "tls" / "ca.pem"))
        with closing(_connect(server, context, "storage.example")):
            pass


def test_a_certificate_of_the_administrators_own_is_served_whatever_form_its_key_has(tmp_path: Path) -> None:
    authority = make_authority("Somebody's CA")
    issued = issue_server_certificate(authority, ["127.0.0.1"])
    key = serialization.load_pem_private_key(issued.key, None)
    (tmp_path / "own.pem").write_bytes(issued.certificate)
    # SEC1, which the web server itself does not read.
    (tmp_path / "own.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    tls = {"mode": "files", "certificate": str(tmp_path / "own.pem"), "key": str(tmp_path / "own.key")}
    server = Server(tmp_path, tls=tls)
    try:
        server.launch()
        until(lambda: _opens(server, tmp_path / "ca.pem"), 60)
        # A replacement that does not fit is not taken, and the server goes on with what it had.
        (tmp_path / "own.pem").write_bytes(issue_server_certificate(authority, ["127.0.0.1"]).certificate)
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: "the certificate that was served before stays" in server.log.read_text(), 30)
        until(lambda: _opens(server, tmp_path / "ca.pem"), 60)
        served = ssl.get_server_certificate(("127.0.0.1", server.port))
        assert x509.load_pem_x509_certificate(served.encode()) == x509.load_pem_x509_certificate(issued.certificate)
    finally:
        server.kill()


def test_a_key_that_does_not_fit_the_certificate_is_refused_with_the_reason(tmp_path: Path) -> None:
    issued = issue_server_certificate(make_authority(), ["127.0.0.1"])
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "own.pem").write_bytes(issued.certificate)
    (tmp_path / "own.key").write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = {"mode": "files", "certificate": str(tmp_path / "own.pem"), "key": str(tmp_path / "own.key")}
    server = Server(tmp_path, tls=tls)
    try:
        assert server.launch().wait(60) == 1
    finally:
        server.kill()
    assert "the private key does not belong to the certificate" in server.log.read_text()


def test_a_certificate_of_the_own_ca_does_not_stand_in_for_one_that_does_not_fit(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.stop()
        (tmp_path / "own.pem").write_bytes(b"nonsense")
        server.file.write_text(
            server.file.read_text() + '[tls]\nmode = "files"\ncertificate = "own.pem"\nkey = "own.pem"\n'
        )
        assert server.launch().wait(60) == 1
        assert "this is not a PEM certificate" in server.log.read_text()


def test_plain_http_is_served_on_loopback_when_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, tls={"mode": "off"}) as server:
        assert server.json("/")["product"] == "Isthmus"


def test_plain_http_is_refused_off_loopback(tmp_path: Path) -> None:
    server = Server(tmp_path, tls={"mode": "off"}, listen={"host": "0.0.0.0"})
    assert server.launch().wait(60) != 0
    assert "Plain HTTP is only offered on loopback" in server.log.read_text()


def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        before = ssl.get_server_certificate(("127.0.0.1", server.port))
        worker = server.worker()
        (server.state / "tls" / "server.pem").unlink()
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: not alive(worker), 30)
        until(server.answers)
        assert ssl.get_server_certificate(("127.0.0.1", server.port)) != before


def _connect(server: Server, context: ssl.SSLContext, name: str = "127.0.0.1") -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", server.port), 10)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def _opens(server: Server, authority: Path) -> bool:
    context = ssl.create_default_context(cafile=str(authority))
    try:
        with closing(_connect(server, context)):
            return True
    except (ConnectionError, ssl.SSLEOFError):
        return False
