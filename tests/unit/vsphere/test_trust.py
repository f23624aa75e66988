"""A vCenter's certificate is the pinned one, or of the trusted authority; pins are compared by us, on loopback too."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from isthmus.core.errors import Invalid
from isthmus.core.security.authority import issue_server_certificate, make_authority
from isthmus.plugins.vsphere.connection.certificate import Certificate, certificates, fingerprint, served
from isthmus.plugins.vsphere.connection.endpoint import address, split
from isthmus.plugins.vsphere.connection.errors import CertificateExpired, Unreachable, WrongCertificate
from isthmus.plugins.vsphere.connection.trust import Trust, pinned, refused, signed_by
from tests.simulators.vcenter import Certificate as Issued
from tests.simulators.vcenter import issue

AUTHORITY = make_authority()


def signed(*names: str) -> Issued:
    made = issue_server_certificate(AUTHORITY, names or ["127.0.0.1"])
    return Issued(made.certificate.decode(), made.key.decode())


@contextmanager
def serving(certificate: Issued) -> Iterator[int]:
    """A TLS server on loopback that answers any request with 204; its port."""
    context = certificate.server_context()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as secured:
                        if secured.recv(4096):
                            secured.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                except OSError:
                    continue

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def reach(port: int, trust: Trust) -> int:
    """The status of an answer, or our error."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=trust.context())
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        raise refused("127.0.0.1", port, trust, error) from None
    finally:
        connection.close()


def test_the_pinned_certificate_is_accepted_under_any_name() -> None:
    certificate = signed("elsewhere.example")
    with serving(certificate) as port:
        assert reach(port, pinned("127.0.0.1", port, certificate.thumbprint)) == 204


def test_any_other_certificate_is_refused_and_both_are_named() -> None:
    expected, found = issue(), issue()
    with serving(found) as port:
        with pytest.raises(WrongCertificate) as error:
            reach(port, Trust(certificate=expected.pem))
        with pytest.raises(WrongCertificate):
            pinned("127.0.0.1", port, expected.thumbprint)
    told = {name: error.value.details[name] for name in ("expected", "served")}
    assert told == {"expected": expected.thumbprint, "served": found.thumbprint}
    assert "--pin" in (error.value.next_step or "")


def test_a_certificate_that_the_pinned_one_signed_is_not_the_pinned_one() -> None:
    # The chain validates, so a library that leaves it at that would be content.
    with serving(signed()) as port, pytest.raises(WrongCertificate):
        reach(port, Trust(certificate=AUTHORITY.certificate.decode()))


def test_an_expired_certificate_is_refused_although_it_is_the_pinned_one() -> None:
    certificate = issue(days=-1)
    with serving(certificate) as port, pytest.raises(CertificateExpired):
        reach(port, pinned("127.0.0.1", port, certificate.thumbprint))


def test_an_authoritys_certificate_is_accepted_under_its_own_name_only() -> None:
    trust = signed_by(AUTHORITY.certificate.decode())
    with serving(signed()) as port:
        assert reach(port, trust) == 204
    with serving(signed("elsewhere.example")) as port, pytest.raises(WrongCertificate):
        reach(port, trust)
    with serving(issue()) as port, pytest.raises(WrongCertificate):
        reach(port, trust)


def test_there_is_no_trust_in_everything() -> None:
    with pytest.raises(Invalid):
        Trust()
    with pytest.raises(Invalid):
        Trust(certificate="a", authority="b")
    context = Trust(certificate=issue().pem).context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_nobody_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="nobody listens"):
        served("127.0.0.1", port)


@pytest.mark.parametrize("form", [str, str.lower, lambda text: text.replace(":", ""), lambda text: f" {text}\n"])
def test_a_fingerprint_is_taken_as_people_write_it(form: object) -> None:
    expected = issue().thumbprint
    assert fingerprint(form(expected)) == expected  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "AA:BB", "AA" * 20, "G" * 64])
def test_what_is_no_sha_256_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        fingerprint(text)


def test_certificates_are_read_one_by_one() -> None:
    one, other = issue(), issue()
    assert [each.fingerprint for each in certificates(f"{one.pem}\n{other.pem}")] == [one.thumbprint, other.thumbprint]
    for text in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        with pytest.raises(Invalid):
            certificates(text)


def test_a_certificate_says_for_whom_it_is() -> None:
    found = Certificate(signed("isthmus.example", "10.0.0.7", "::1").pem)
    assert found.serves("ISTHMUS.example") and found.serves("10.0.0.7") and found.serves("[::1]")
    assert not found.serves("other.example")
    assert found.not_before < found.not_after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vc.example.com", ("vc.example.com", 443)),
        ("VC.example.com:8443", ("vc.example.com", 8443)),
        ("https://vc.example.com/ui/", ("vc.example.com", 443)),
        ("2001:db8::1", ("2001:db8::1", 443)),
        ("[2001:db8::1]:8443", ("2001:db8::1", 8443)),
    ],
)
def test_addresses_are_taken_as_people_write_them(text: str, expected: tuple[str, int]) -> None:
    assert split(text) == expected
    assert split(address(*expected)) == expected


@pytest.mark.parametrize("text", ["", "http://vc.example.com", "https://user@vc.example.com", "vc:port", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        split(text)
