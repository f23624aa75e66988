"""A connection outlives a refusal, although the body of what was refused comes only after it could be answered."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.environment.redfish import ADMINISTRATOR, PASSWORD, ROOT, RedfishService, redfish_service

BODY = b'{"Name": "late"}'
WHO = {"Authorization": "Basic " + base64.b64encode(f"{ADMINISTRATOR}:{PASSWORD}".encode()).decode()}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    with redfish_service(tmp_path_factory.mktemp("kept")) as service:
        yield service


@pytest.mark.parametrize(
    ("method", "path", "who", "status"),
    [
        ("POST", f"{ROOT}/Storage", WHO, 405),
        ("PATCH", f"{ROOT}/Nothing", WHO, 404),
        ("DELETE", f"{ROOT}/StorageServices", {}, 401),
        ("POST", "/v1/nothing", {}, 404),
    ],
)
def test_the_next_request_is_answered(
    service: RedfishService, method: str, path: str, who: dict[str, str], status: int
) -> None:
    context = ssl.create_default_context(cafile=str(service.server.ca))
    port = urlsplit(service.server.address).port
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    try:
        # Passwords are checked slowly the first time; then the answer would be there long before the body.
        connection.request("GET", f"{ROOT}/Storage", headers=WHO)
        assert connection.getresponse().read()
        connection.putrequest(method, path)
        for name, value in {**who, "Content-Type": "application/json", "Content-Length": str(len(BODY))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        time.sleep(0.2)
        connection.send(BODY)
        refused = connection.getresponse()
        assert refused.status == status and refused.read()
        socket = connection.sock
        connection.request("GET", ROOT, headers=WHO)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        assert connection.sock is socket, "another connection was made"
    finally:
        connection.close()
