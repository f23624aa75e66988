import hashlib
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import PolicyBuilder, Store

from isthmus.core.errors import Invalid, Misconfigured
from isthmus.core.security.authority import (
    Credential,
    check_credential,
    client_name,
    distinguished_name,
    fingerprint,
    issue_client_certificate,
    issue_server_certificate,
    make_authority,
    needs_renewal,
    renew_after,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
AUTHORITY = make_authority()
SERVER = issue_server_certificate(AUTHORITY, ["localhost", "127.0.0.1", "::1"])
CLIENT = issue_client_certificate(AUTHORITY, "host-1")


def load(credential: Credential) -> x509.Certificate:
    return x509.load_pem_x509_certificate(credential.certificate)


def context(folder: Path, *, server: bool, own: Credential | None, authority: Credential) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=authority.certificate.decode())
    if own is not None:
        path = folder / ("server.pem" if server else "client.pem")
        path.write_bytes(own.certificate + own.key)
        made.load_cert_chain(path)
    return made


def shake_hands(
    folder: Path,
    *,
    server: Credential = SERVER,
    client: Credential | None = CLIENT,
    name: str = "localhost",
    authority: Credential = AUTHORITY,
) -> None:
    """A TLS handshake in memory with strict verification on both sides; raises what either side finds wrong."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        context(folder, server=False, own=client, authority=authority).wrap_bio(
            to_client, to_server, server_hostname=name
        ),
        context(folder, server=True, own=server, authority=authority).wrap_bio(to_server, to_client, server_side=True),
    ]
    left = list(sides)
    for _ in range(10):
        for side in list(left):
            try:
                side.do_handshake()
                left.remove(side)
            except ssl.SSLWantReadError:
                continue
        if not left:
            return
    raise AssertionError("the handshake did not end")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_python_verifies_server_and_client_strictly(tmp_path: Path, name: str) -> None:
    shake_hands(tmp_path, name=name)


def test_a_server_is_not_taken_for_another_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(tmp_path, name="example.org")


def test_neither_certificate_passes_for_the_other_purpose(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        shake_hands(tmp_path, client=SERVER)
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        shake_hands(tmp_path, server=CLIENT)


def test_a_client_without_a_certificate_or_of_another_authority_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLError):
        shake_hands(tmp_path, client=None)
    with pytest.raises(ssl.SSLError):
        shake_hands(tmp_path, client=issue_client_certificate(make_authority(), "host-1"))


def test_verifiers_of_the_web_pki_kind_accept_both() -> None:
    builder = PolicyBuilder().store(Store([load(AUTHORITY)]))
    assert builder.build_server_verifier(x509.DNSName("localhost")).verify(load(SERVER), [])
    address = x509.IPAddress(ipaddress.ip_address("::1"))
    assert builder.build_server_verifier(address).verify(load(SERVER), [])
    assert builder.build_client_verifier().verify(load(CLIENT), [])


def test_a_leaf_cannot_sign_another_certificate(tmp_path: Path) -> None:
    forged = issue_server_certificate(SERVER, ["localhost"])
    both = Credential(forged.certificate + SERVER.certificate, forged.key)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tmp_path, server=both)


def test_keys_are_p256_in_pkcs8_and_stay_out_of_repr() -> None:
    for credential in (AUTHORITY, SERVER, CLIENT):
        assert credential.key.startswith(b"-----BEGIN PRIVATE KEY-----")
        key = serialization.load_pem_private_key(credential.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert "PRIVATE" not in repr(credential)


def test_the_authority_lasts_ten_years_and_servers_ninety_days() -> None:
    authority = make_authority(now=NOW)
    server = issue_server_certificate(authority, ["a"], now=NOW)
    assert authority.expires_at == NOW + 3650 * DAY
    assert server.expires_at == NOW + 90 * DAY
    assert load(server).not_valid_before_utc < NOW


def test_two_authorities_have_two_names() -> None:
    assert load(make_authority()).subject != load(make_authority()).subject
    assert distinguished_name(make_authority("Ours").certificate) == "CN=Ours"


def test_no_certificate_outlives_its_authority_and_an_expired_one_issues_none() -> None:
    authority = make_authority(days=30, now=NOW)
    assert issue_server_certificate(authority, ["a"], now=NOW).expires_at == authority.expires_at
    with pytest.raises(Misconfigured, match="expired"):
        issue_client_certificate(authority, "a", now=NOW + 30 * DAY)


def test_a_server_carries_each_name_once_and_ip_addresses_as_such() -> None:
    server = issue_server_certificate(AUTHORITY, ["B.example.", "b.example", "10.0.0.1", "[fe80::1]", "zürich.example"])
    names = load(server).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["b.example", "xn--zrich-kva.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "fe80::1"]


def test_no_client_can_have_the_name_of_a_server() -> None:
    server = distinguished_name(issue_server_certificate(AUTHORITY, ["host-1"]).certificate)
    with pytest.raises(Invalid):
        client_name(server.removeprefix("CN="))


def test_a_name_too_long_for_a_common_name_still_stands_among_the_alternatives(tmp_path: Path) -> None:
    long = ".".join(["a" * 40] * 3)
    shake_hands(tmp_path, server=issue_server_certificate(AUTHORITY, [long]), name=long)


@pytest.mark.parametrize("names", [[], [""], ["a b"], ["-a"], ["a..b"], ["a/b"], ["*"], ["a" * 64], ["x\ny"]])
def test_what_is_no_server_name_is_refused(names: list[str]) -> None:
    with pytest.raises(Invalid):
        issue_server_certificate(AUTHORITY, names)


@pytest.mark.parametrize("name", ["", "a,b", "a b", "CN=x", "a*", 'q"', "a\\", "a" * 65, "ä", "a\n", "#a", ".a"])
def test_a_client_name_that_could_be_read_two_ways_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        issue_client_certificate(AUTHORITY, name)
    with pytest.raises(Invalid):
        client_name(name)


@pytest.mark.parametrize("name", ["6f1c9a52-7f43-4f0c-9d51-0d0a4c1f7c11", "iqn.1993-08.org.debian:01:ab", "user@a/b_c"])
def test_a_client_is_authorised_by_the_name_in_its_certificate(name: str) -> None:
    assert (
        distinguished_name(issue_client_certificate(AUTHORITY, name).certificate) == client_name(name) == f"CN={name}"
    )


def test_renewal_is_due_at_two_thirds_of_the_life() -> None:
    authority = make_authority(now=NOW)
    server = issue_server_certificate(authority, ["a"], now=NOW)
    due = renew_after(server.certificate)
    assert NOW + 59 * DAY < due < NOW + 61 * DAY
    assert not needs_renewal(server.certificate, authority=authority, now=due - timedelta(seconds=1))
    assert needs_renewal(server.certificate, authority=authority, now=due)


def test_renewal_is_due_when_a_name_is_new_or_the_authority_another() -> None:
    certificate = SERVER.certificate
    assert not needs_renewal(certificate, authority=AUTHORITY, names=["LOCALHOST", "127.0.0.1"])
    assert needs_renewal(certificate, authority=AUTHORITY, names=["localhost", "10.1.1.1"])
    assert needs_renewal(certificate, authority=make_authority())
    name = distinguished_name(AUTHORITY.certificate).removeprefix("CN=")
    assert needs_renewal(certificate, authority=make_authority(name))


def test_own_certificates_are_checked_before_they_are_used() -> None:
    check_credential(SERVER)
    check_credential(Credential(SERVER.certificate + AUTHORITY.certificate, SERVER.key))
    old = issue_server_certificate(AUTHORITY, ["a"], now=NOW)
    with pytest.raises(Misconfigured, match="does not belong"):
        check_credential(Credential(SERVER.certificate, CLIENT.key))
    with pytest.raises(Misconfigured, match="expired"):
        check_credential(old, now=NOW + 91 * DAY)
    with pytest.raises(Misconfigured, match="only from"):
        check_credential(old, now=NOW - DAY)
    with pytest.raises(Misconfigured, match="not a PEM certificate"):
        check_credential(Credential(b"junk", SERVER.key))
    with pytest.raises(Misconfigured, match="not a private key"):
        check_credential(Credential(SERVER.certificate, b"junk"))


def test_a_key_with_a_passphrase_is_told_how_to_lose_it() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sealed = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pass")
    )
    with pytest.raises(Misconfigured) as refused:
        check_credential(Credential(SERVER.certificate, sealed))
    assert "openssl" in str(refused.value.next_step)


def test_the_fingerprint_is_the_sha256_of_the_certificate_as_people_compare_it() -> None:
    der = ssl.PEM_cert_to_DER_cert(SERVER.certificate.decode())
    assert fingerprint(SERVER.certificate) == hashlib.sha256(der).digest().hex(":").upper()
