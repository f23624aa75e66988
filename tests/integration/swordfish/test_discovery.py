"""Being found: searches on loopback are answered with the address and the UUID of the service, while that is wanted."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from http.client import parse_headers
from io import BytesIO
from pathlib import Path

import pytest
import requests

from tests.environment.redfish import ROOT, RedfishService, redfish_service
from tests.environment.server import running_server, until

GROUP = ("239.255.255.250", 1900)
REDFISH = "urn:dmtf-org:service:redfish-rest:1"
PROTOCOLS = f"{ROOT}/Managers/Isthmus/NetworkProtocol"


class Searcher:
    """Asks on loopback, where other services may answer too: only what `service` says counts."""

    def __init__(self, service: RedfishService) -> None:
        self.service = service
        self.uuid = str(service.client(None).body(f"{ROOT}/")["UUID"])

    def found(self, target: str = REDFISH, seconds: float = 2.0) -> dict[str, str]:
        """The headers of the answer; empty when there is none in time."""
        lines = ("M-SEARCH * HTTP/1.1", "Host: 239.255.255.250:1900", 'Man: "ssdp:discover"', f"ST: {target}", "MX: 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, contextlib.suppress(TimeoutError):
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            asking.settimeout(seconds)
            asking.sendto("".join(f"{line}\r\n" for line in (*lines, "")).encode(), GROUP)
            while True:
                first, _, rest = asking.recv(4096).partition(b"\r\n")
                headers = {name.upper(): value for name, value in parse_headers(BytesIO(rest)).items()}
                if self.uuid in headers.get("USN", ""):
                    assert first == b"HTTP/1.1 200 OK"
                    return headers
        return {}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    folder = tmp_path_factory.mktemp("discovery")
    with running_server(folder) as server, server.session() as session:
        session.patch(f"{server.address}/v1/extensions/plugins/swordfish", json={"settings": {"discovery": True}})
        server.stop()
    with redfish_service(folder) as service:
        made = Searcher(service)
        until(lambda: made.found(seconds=0.2), why="searches are not answered")
        yield made


@pytest.mark.parametrize("target", [REDFISH, "ssdp:all"])
def test_a_search_is_told_where_the_service_is_and_which_one(searcher: Searcher, target: str) -> None:
    found = until(lambda: searcher.found(target))
    assert found["AL"] == f"{searcher.service.server.address}{ROOT}/"
    assert found["ST"] == f"{REDFISH}:20"
    assert found["USN"] == f"uuid:{searcher.uuid}::{REDFISH}:20"
    assert found["CACHE-CONTROL"] == "max-age=1800" and found["EXT"] == ""


def test_a_search_for_something_else_is_not_answered(searcher: Searcher) -> None:
    assert searcher.found("urn:schemas-upnp-org:device:MediaServer:1", 0.3) == {}


def test_discovery_can_be_switched_off_and_on_again(searcher: Searcher) -> None:
    client = searcher.service.client()
    shown = client.get(PROTOCOLS)
    assert shown.json()["SSDP"] == {"ProtocolEnabled": True, "Port": 1900}
    off = client.patch(PROTOCOLS, {"SSDP": {"ProtocolEnabled": False}}, headers={"If-Match": shown.headers["ETag"]})
    assert off.status_code == 200 and off.json()["SSDP"]["ProtocolEnabled"] is False
    assert searcher.found(seconds=0.5) == {}
    late = client.patch(PROTOCOLS, {"SSDP": {"ProtocolEnabled": True}}, headers={"If-Match": shown.headers["ETag"]})
    assert late.status_code == 412
    on = client.patch(PROTOCOLS, {"SSDP": {"ProtocolEnabled": True}}, headers={"If-Match": off.headers["ETag"]})
    assert on.status_code == 200 and until(searcher.found)


def test_only_who_configures_the_manager_switches_it(searcher: Searcher) -> None:
    user = {"name": "looker", "tenant": None, "roles": ["reader"], "password": "Correct-horse1battery"}
    searcher.service.make("/v1/users", user)
    client = searcher.service.client("looker")
    assert client.patch(PROTOCOLS, {"SSDP": {"ProtocolEnabled": False}}).status_code == 403
    assert client.body(PROTOCOLS)["SSDP"]["ProtocolEnabled"] is True


def test_by_default_there_is_no_discovery_and_the_uuid_stays_over_restarts(tmp_path: Path) -> None:
    uuids = set()
    for _ in range(2):
        with running_server(tmp_path) as server, server.session() as administrator:
            uuids.add(requests.get(f"{server.address}{ROOT}/", verify=str(server.ca), timeout=10).json()["UUID"])
            body = administrator.get(f"{server.address}/v1/extensions/plugins/swordfish").json()
            assert body["settings"].get("discovery", False) is False
            server.stop()
    assert len(uuids) == 1
