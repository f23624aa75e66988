"""What no proper client sends is refused in the proper form, and the connection goes on."""

from __future__ import annotations

import socket
from http.client import HTTPSConnection

import pytest

from tests.simulators.vcenter import VCenter

ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>{}'
    "</soapenv:Body></soapenv:Envelope>"
)
LOGIN = '<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this>{}</Login>'
RIGHT = "<userName>administrator@vsphere.local</userName><password>Secret-1</password>"


def post(connection: HTTPSConnection, body: str, action: str = '"urn:vim25/8.0.3.0"') -> tuple[int, str]:
    """Status and body of the reply."""
    connection.request("POST", "/sdk", body, {"SOAPAction": action})
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", "InvalidRequestFault"),
        ("no XML", "InvalidRequestFault"),
        (ENVELOPE.format(""), "InvalidRequestFault"),
        (ENVELOPE.format('<Login xmlns="urn:vim25"/>'), "InvalidRequestFault"),
        (ENVELOPE.format(LOGIN.format("<surprise>x</surprise>")), "InvalidRequestFault"),
        (ENVELOPE.format(LOGIN.format("<password>x</password>")), "InvalidArgumentFault"),
        (ENVELOPE.format(LOGIN.format(RIGHT).replace("Login", "NoSuchMethod")), "MethodNotFoundFault"),
        (ENVELOPE.format(LOGIN.format(RIGHT).replace("SessionManager<", "Other<")), "ManagedObjectNotFoundFault"),
        (ENVELOPE.format(LOGIN.format(RIGHT).replace("Secret-1", "wrong")), "InvalidLoginFault"),
    ],
)
def test_a_bad_request_is_a_fault_and_the_next_one_is_answered(vc: VCenter, body: str, fault: str) -> None:
    connection = HTTPSConnection("127.0.0.1", vc.port, context=vc.client_context(), timeout=20)
    try:
        status, reply = post(connection, body)
        assert (status, f"<{fault}" in reply) == (500, True), reply
        assert "Secret-1" not in reply
        status, reply = post(connection, ENVELOPE.format(LOGIN.format(RIGHT)))
        assert (status, "<LoginResponse" in reply) == (200, True), reply
    finally:
        connection.close()


def test_arguments_are_found_by_name_and_lists_by_repetition(vc: VCenter) -> None:
    swapped = "<password>Secret-1</password><userName>administrator@vsphere.local</userName>"
    connection = HTTPSConnection("127.0.0.1", vc.port, context=vc.client_context(), timeout=20)
    try:
        assert post(connection, ENVELOPE.format(LOGIN.format(swapped)))[0] == 200
    finally:
        connection.close()


def test_a_client_that_speaks_no_tls_disturbs_no_other(vc: VCenter) -> None:
    with socket.create_connection(("127.0.0.1", vc.port), timeout=20):
        connection = HTTPSConnection("127.0.0.1", vc.port, context=vc.client_context(), timeout=20)
        try:
            assert post(connection, ENVELOPE.format(LOGIN.format(RIGHT)))[0] == 200
        finally:
            connection.close()
