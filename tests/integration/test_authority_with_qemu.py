"""The CA's certificates in the hands of those who use them: qemu's NBD server (GnuTLS), libnbd, OpenSSL's command."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from isthmus.core.security.authority import (
    Credential,
    client_name,
    distinguished_name,
    issue_client_certificate,
    issue_server_certificate,
    make_authority,
)
from tests.environment.ports import free_port

AUTHORITY = make_authority()
GIVEN = [
    "6f1c9a52-7f43-4f0c-9d51-0d0a4c1f7c11",
    "iqn.1993-08.org.debian:01:ab",
    "anna@example.org/rack_1",
]


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def credentials(folder: Path, role: str, own: Credential | None, authority: Credential = AUTHORITY) -> Path:
    """A folder as qemu's tls-creds-x509 and libnbd read it."""
    folder.mkdir()
    (folder / "ca-cert.pem").write_bytes(authority.certificate)
    if own is not None:
        (folder / f"{role}-cert.pem").write_bytes(own.certificate)
        key = folder / f"{role}-key.pem"
        key.touch(0o600)
        key.write_bytes(own.key)
    return folder


@contextmanager
def nbd_server(folder: Path, admitted: Sequence[str]) -> Iterator[int]:
    """A qemu-storage-daemon whose NBD server admits those distinguished names only; gives its port."""
    server = issue_server_certificate(AUTHORITY, ["localhost", "127.0.0.1"])
    keys = credentials(folder / "server", "server", server)
    image = folder / "disk.raw"
    with image.open("wb") as file:
        file.truncate(1 << 20)
    port = free_port()
    rules = [
        f"rules.{number}.match={name.replace(',', ',,')},rules.{number}.policy=allow,rules.{number}.format=exact"
        for number, name in enumerate(admitted)
    ]
    daemon = subprocess.Popen(
        [
            "qemu-storage-daemon",
            *("--object", f"tls-creds-x509,id=tls,dir={keys},endpoint=server,verify-peer=on"),
            *("--object", ",".join(["authz-list,id=admitted,policy=deny", *rules])),
            *("--blockdev", f"driver=file,node-name=disk,filename={image}"),
            *(
                "--nbd-server",
                f"addr.type=inet,addr.host=127.0.0.1,addr.port={port},tls-creds=tls,tls-authz=admitted",
            ),
            *("--export", "type=nbd,id=e,node-name=disk,name=v,writable=on"),
        ],
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert daemon.poll() is None, daemon.communicate()[1].decode()
            assert time.monotonic() < deadline, "the NBD server did not come up"
            time.sleep(0.02)
        yield port
    finally:
        daemon.terminate()
        daemon.communicate(timeout=20)


def nbdinfo(port: int, keys: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nbdinfo", "--size", f"nbds://localhost:{port}/v?tls-certificates={keys}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def qemu_img(port: int, keys: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *("qemu-img", "info", "--object", f"tls-creds-x509,id=tls,dir={keys},endpoint=client"),
            "--image-opts",
            f"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={port},export=v,tls-creds=tls",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("name", GIVEN)
def test_qemu_admits_the_host_that_it_was_told_and_no_other(tmp_path: Path, name: str) -> None:
    need("qemu-storage-daemon", "qemu-img", "nbdinfo")
    admitted = credentials(tmp_path / "admitted", "client", issue_client_certificate(AUTHORITY, name))
    other = credentials(tmp_path / "other", "client", issue_client_certificate(AUTHORITY, name + "2"))
    with nbd_server(tmp_path, [client_name(name)]) as port:
        assert nbdinfo(port, admitted).stdout.strip() == str(1 << 20)
        assert "1 MiB" in qemu_img(port, admitted).stdout
        assert nbdinfo(port, other).returncode != 0
        assert qemu_img(port, other).returncode != 0


def test_qemu_refuses_who_has_no_certificate_of_this_authority(tmp_path: Path) -> None:
    need("qemu-storage-daemon", "nbdinfo")
    own = issue_client_certificate(AUTHORITY, "host")
    foreign = make_authority()
    cases = {
        "none": credentials(tmp_path / "none", "client", None),
        "foreign": credentials(tmp_path / "foreign", "client", issue_client_certificate(foreign, "host")),
        "a server's, which GnuTLS takes for a client's": credentials(
            tmp_path / "as-server", "client", issue_server_certificate(AUTHORITY, ["host"])
        ),
    }
    good = credentials(tmp_path / "good", "client", own)
    with nbd_server(tmp_path, [client_name("host")]) as port:
        assert nbdinfo(port, good).returncode == 0
        for case, keys in cases.items():
            assert nbdinfo(port, keys).returncode != 0, case


def test_clients_refuse_a_server_of_another_authority(tmp_path: Path) -> None:
    need("qemu-storage-daemon", "qemu-img", "nbdinfo")
    foreign = make_authority()
    own = issue_client_certificate(AUTHORITY, "host")
    keys = credentials(tmp_path / "client", "client", own, authority=foreign)
    with nbd_server(tmp_path, [client_name("host")]) as port:
        assert nbdinfo(port, keys).returncode != 0
        assert qemu_img(port, keys).returncode != 0


@pytest.mark.parametrize(("purpose", "other"), [("sslserver", "sslclient"), ("sslclient", "sslserver")])
def test_openssl_verifies_strictly_and_for_one_purpose_only(tmp_path: Path, purpose: str, other: str) -> None:
    need("openssl")
    if purpose == "sslserver":
        own = issue_server_certificate(AUTHORITY, ["localhost"])
    else:
        own = issue_client_certificate(AUTHORITY, "host")
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.certificate)
    (tmp_path / "own.pem").write_bytes(own.certificate)

    def verify(wanted: str) -> int:
        command = ["openssl", "verify", "-x509_strict", "-check_ss_sig", "-policy_check", "-purpose", wanted]
        return subprocess.run(
            [*command, "-CAfile", "ca.pem", "own.pem"], cwd=tmp_path, capture_output=True, check=False
        ).returncode

    assert verify(purpose) == 0
    assert verify(other) != 0


class _Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_uint)]


def gnutls_name(certificate: bytes) -> str:
    """The subject as `gnutls_x509_crt_get_dn` writes it, which is what qemu compares."""
    library = ctypes.util.find_library("gnutls")
    if library is None:
        pytest.skip("libgnutls is not installed")
    gnutls = ctypes.CDLL(library)
    loaded = ctypes.c_void_p()
    assert gnutls.gnutls_x509_crt_init(ctypes.byref(loaded)) == 0
    try:
        datum = _Datum(certificate, len(certificate))
        assert gnutls.gnutls_x509_crt_import(loaded, ctypes.byref(datum), 1) == 0
        size = ctypes.c_size_t(4096)
        buffer = ctypes.create_string_buffer(size.value)
        assert gnutls.gnutls_x509_crt_get_dn(loaded, buffer, ctypes.byref(size)) == 0
        return buffer.value.decode()
    finally:
        gnutls.gnutls_x509_crt_deinit(loaded)


def brought_along(*parts: Sequence[tuple[x509.ObjectIdentifier, str]]) -> bytes:
    """A certificate of somebody else's making, one relative name a part."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate(AUTHORITY.certificate)
    relative = [x509.RelativeDistinguishedName([x509.NameAttribute(oid, text) for oid, text in part]) for part in parts]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(relative))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "parts",
    [
        [[(NameOID.COUNTRY_NAME, "CH")], [(NameOID.ORGANIZATION_NAME, "A, B+C")], [(NameOID.COMMON_NAME, "x")]],
        [[(NameOID.COMMON_NAME, " blank in front and behind ")]],
        [[(NameOID.COMMON_NAME, "#hash")]],
        [[(NameOID.COMMON_NAME, 'a"b\\c<d>e;f=g')]],
        [[(NameOID.COMMON_NAME, "Zürich")]],
        [[(NameOID.COMMON_NAME, "a"), (NameOID.ORGANIZATION_NAME, "b")]],
        [
            [(NameOID.EMAIL_ADDRESS, "a@b")],
            [(NameOID.SERIAL_NUMBER, "12")],
            [(NameOID.TITLE, "t")],
            [(NameOID.USER_ID, "u")],
            [(NameOID.DOMAIN_COMPONENT, "d")],
            [(NameOID.STREET_ADDRESS, "s")],
            [(NameOID.LOCALITY_NAME, "l")],
            [(NameOID.STATE_OR_PROVINCE_NAME, "st")],
            [(NameOID.ORGANIZATIONAL_UNIT_NAME, "ou")],
            [(NameOID.SURNAME, "sn")],
            [(NameOID.GIVEN_NAME, "gn")],
            [(NameOID.PSEUDONYM, "p")],
        ],
    ],
)
def test_a_name_is_written_as_gnutls_writes_it(parts: list[list[tuple[x509.ObjectIdentifier, str]]]) -> None:
    certificate = brought_along(*parts)
    assert distinguished_name(certificate) == gnutls_name(certificate)


@pytest.mark.parametrize("name", GIVEN)
def test_our_own_names_are_written_as_gnutls_writes_them(name: str) -> None:
    assert client_name(name) == gnutls_name(issue_client_certificate(AUTHORITY, name).certificate)
