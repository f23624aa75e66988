"""Connections on real storage: bytes go through what a POST has made, and no more once it is deleted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.model.attachment import Connection
from tests.chaos.depth import Site
from tests.environment import iscsi, nbd
from tests.environment.iscsi import Initiator
from tests.environment.nbd import NbdClient
from tests.environment.redfish import RedfishClient, RedfishService, redfish_service
from tests.integration.swordfish.volume_world import related, said

MIB = 1 << 20
SIZE = 4 * MIB
FABRICS = "/redfish/v1/Fabrics"
SECRET = "sixteen-letters1"
DATA = bytes(range(256)) * 16

needs_iscsi = pytest.mark.skipif(bool(iscsi.missing()), reason=iscsi.missing())
needs_nbd = pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())
pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


@dataclass(slots=True)
class Real:
    """A service over a `file` back end, with a class of service for each protocol and one for several hosts."""

    service: RedfishService
    client: RedfishClient
    home: str
    classes: dict[str, str]
    made: int = 0

    def volume(self, of: str) -> str:
        """The URI of a new volume."""
        self.made += 1
        body = {
            "Name": f"volume{self.made}",
            "CapacityBytes": SIZE,
            "Links": {"ClassOfService": {"@odata.id": self.classes[of]}},
        }
        answer = self.client.finished(self.client.post(f"{self.home}/Volumes", body))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["@odata.id"])

    def endpoint(self, name: str, protocol: str = "iscsi") -> str:
        """The URI of a new initiator."""
        form = {"DurableNameFormat": "iQN"} if name.startswith("iqn.") else {}
        body = {"Name": name, "Identifiers": [{"DurableName": name, **form}]}
        answer = self.client.post(f"{FABRICS}/{protocol}/Endpoints", body)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def connect(
        self, volume: str, endpoint: str, user: str | None = None, secret: str = SECRET, *capabilities: str
    ) -> dict[str, Any]:
        """A new connection; its client chooses the secret, and with `user` the name too."""
        protocol = endpoint.split("/")[4]
        body: dict[str, Any] = {
            "VolumeInfo": [{"Volume": {"@odata.id": volume}, "AccessCapabilities": capabilities or ["Read", "Write"]}],
            "Links": {"InitiatorEndpoints": [{"@odata.id": endpoint}]},
        }
        if protocol == "iscsi":
            body["ConnectionKeys"] = {"CHAP": {"CHAPPassword": secret, **({"CHAPUsername": user} if user else {})}}
        answer = self.client.finished(self.client.post(f"{FABRICS}/{protocol}/Connections", body))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def reached(self, connection: dict[str, Any], secret: str = SECRET) -> Connection:
        """How a host reaches the volume, from nothing but what this service shows."""
        target = self.client.body(connection["Links"]["TargetEndpoints"][0]["@odata.id"])
        door = target["IPTransportDetails"][0]
        public = {
            "portals": [f"{door['IPv4Address']['Address']}:{door['Port']}"],
            "iqn": target["Identifiers"][0]["DurableName"],
            "lun": connection["VolumeInfo"][0]["LUN"],
            "chap_user": connection["ConnectionKeys"]["CHAP"]["CHAPUsername"],
        }
        return Connection("iscsi", public, {"chap_secret": secret})

    def delete(self, uri: str) -> None:
        answer = self.client.finished(self.client.delete(uri))
        assert answer.status_code == 204, answer.text


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    # Not below pytest's folders, which the daemons' account may not enter.
    with tempfile.TemporaryDirectory(prefix="isthmus-fabrics-", dir="/var/tmp") as folder:
        place = Site(Path(folder))
        try:
            with redfish_service(place.folder, **place.settings) as service:
                directory = {"directory": str(place.folder / "files")}
                service.make("/v1/backends", {"name": "files", "driver": "file", "settings": directory})
                client = service.client()
                home = client.body("/redfish/v1/StorageServices")["Members"][0]["@odata.id"]
                classes = {}
                for name, protocol in (("iscsi", "iscsi"), ("nbd", "nbd"), ("shared", "iscsi")):
                    asked: dict[str, Any] = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": protocol}}}
                    if name == "shared":
                        asked["customProperties"] = {"capabilities:multiAttach": "<is> true"}
                    made = service.make("/v1/profiles", {"name": name, "properties": asked})
                    classes[name] = f"{home}/ClassesOfService/{made['id']}"
                yield Real(service, client, home, classes)
        finally:
            place.close()


@needs_iscsi
def test_bytes_go_through_a_connection_whose_keys_its_client_chose(real: Real) -> None:
    name = "iqn.2004-10.com.example:web1"
    connection = real.connect(real.volume("iscsi"), real.endpoint(name), "web1.data")
    assert connection["ConnectionKeys"]["CHAP"] == {"CHAPUsername": "web1.data", "CHAPPassword": None}
    assert connection["Status"] == {"State": "Enabled", "Health": "OK"}
    reached = real.reached(connection)
    with pytest.raises(OSError):
        Initiator(reached, name, secret="another-secret-1")
    with pytest.raises(OSError):
        Initiator(reached, "iqn.2004-10.com.example:somebody-else")
    host = Initiator(reached, name)
    try:
        assert host.size == SIZE
        host.write(MIB, DATA)
        host.flush()
        assert host.read(MIB, len(DATA)) == DATA
        real.delete(connection["@odata.id"])
        with pytest.raises(OSError):
            host.read(MIB, len(DATA))
    finally:
        host.close()
    with pytest.raises(OSError):
        Initiator(reached, name)
    assert real.client.get(connection["@odata.id"]).status_code == 404
    assert real.client.get(connection["Links"]["TargetEndpoints"][0]["@odata.id"]).status_code == 404


@needs_iscsi
def test_what_was_written_is_there_in_the_next_connection(real: Real) -> None:
    name = "iqn.2004-10.com.example:web2"
    volume, endpoint = real.volume("iscsi"), real.endpoint(name)
    first = real.connect(volume, endpoint)
    assert first["ConnectionKeys"]["CHAP"]["CHAPUsername"]
    host = Initiator(real.reached(first), name)
    host.write(0, DATA)
    host.flush()
    host.close()
    real.delete(first["@odata.id"])
    second = real.connect(volume, endpoint, None, "another-secret-1", "Read")
    assert second["VolumeInfo"][0]["AccessCapabilities"] == ["Read"]
    reader = Initiator(real.reached(second, "another-secret-1"), name)
    try:
        assert reader.read(0, len(DATA)) == DATA
        with pytest.raises(OSError):
            reader.write(0, DATA)
    finally:
        reader.close()
    real.delete(second["@odata.id"])


@needs_iscsi
def test_hosts_that_share_a_volume_share_a_target_and_each_has_its_own_keys(real: Real) -> None:
    volume = real.volume("shared")
    hosts = [f"iqn.2004-10.com.example:shared{number}" for number in range(2)]
    connections = [
        real.connect(volume, real.endpoint(name), name.partition(":")[2], f"secret-of-host-{number}")
        for number, name in enumerate(hosts)
    ]
    targets = {connection["Links"]["TargetEndpoints"][0]["@odata.id"] for connection in connections}
    assert len(targets) == 1
    target = real.client.body(targets.pop())
    assert target["Links"]["Connections@odata.count"] == 2
    assert target["@odata.id"] in real.client.members(f"{FABRICS}/iscsi/Endpoints")
    sessions = [
        Initiator(real.reached(connection, f"secret-of-host-{number}"), hosts[number])
        for number, connection in enumerate(connections)
    ]
    try:
        sessions[0].write(0, DATA)
        sessions[0].flush()
        assert sessions[1].read(0, len(DATA)) == DATA
        real.delete(connections[0]["@odata.id"])
        assert sessions[1].read(0, len(DATA)) == DATA
        with pytest.raises(OSError):
            sessions[0].read(0, len(DATA))
    finally:
        for session in sessions:
            session.close()
    assert real.client.body(target["@odata.id"])["Links"]["Connections@odata.count"] == 1
    real.delete(connections[1]["@odata.id"])
    assert real.client.get(target["@odata.id"]).status_code == 404


@needs_iscsi
def test_a_user_name_is_used_once_and_no_secret_is_kept_in_the_open(real: Real) -> None:
    secret = "never-written-16"
    volume, other = real.volume("iscsi"), real.volume("iscsi")
    endpoint = real.endpoint("iqn.2004-10.com.example:web3")
    connection = real.connect(volume, endpoint, "only-once", secret)
    body = {
        "VolumeInfo": [{"Volume": {"@odata.id": other}}],
        "Links": {"InitiatorEndpoints": [{"@odata.id": endpoint}]},
        "ConnectionKeys": {"CHAP": {"CHAPUsername": "only-once", "CHAPPassword": secret}},
    }
    answer = real.client.post(f"{FABRICS}/iscsi/Connections", body)
    assert (answer.status_code, said(answer)) == (409, ["ResourceInUse"])
    assert real.client.body(other)["Connections@odata.count"] == 0
    body["ConnectionKeys"] = {"CHAP": {"CHAPPassword": "short"}}
    answer = real.client.post(f"{FABRICS}/iscsi/Connections", body)
    assert (answer.status_code, related(answer)) == (400, ["/ConnectionKeys/CHAP/CHAPPassword"])
    files = [path for path in real.service.server.state.rglob("*") if path.is_file()]
    files.append(real.service.server.log)
    assert files and not [path for path in files if secret.encode() in path.read_bytes()]
    real.delete(connection["@odata.id"])


@needs_nbd
def test_bytes_go_through_a_connection_over_nbd(real: Real) -> None:
    connection = real.connect(real.volume("nbd"), real.endpoint("web4", "nbd"))
    assert "ConnectionKeys" not in connection and "LUN" not in connection["VolumeInfo"][0]
    target = real.client.body(connection["Links"]["TargetEndpoints"][0]["@odata.id"])
    # The host's certificate is what this service has no place for; Isthmus's own interface gives it.
    with real.service.server.session(tenant="default") as session:
        address = f"{real.service.server.address}/v1/attachments/{connection['Id']}/connection"
        told = session.get(address, timeout=30).json()
    assert target["IPTransportDetails"][0]["Port"] == told["public"]["port"]
    reached = Connection("nbd", told["public"], told["secrets"])
    host = NbdClient(reached)
    try:
        host.write(0, DATA)
        assert host.read(0, len(DATA)) == DATA
        real.delete(connection["@odata.id"])
        with pytest.raises(OSError):
            host.read(0, len(DATA))
    finally:
        host.close()
    with pytest.raises(OSError):
        NbdClient(reached)


@needs_nbd
def test_keys_are_refused_where_the_protocol_has_none(real: Real) -> None:
    volume, endpoint = real.volume("nbd"), real.endpoint("web5", "nbd")
    body = {
        "VolumeInfo": [{"Volume": {"@odata.id": volume}}],
        "Links": {"InitiatorEndpoints": [{"@odata.id": endpoint}]},
        "ConnectionKeys": {"CHAP": {"CHAPPassword": SECRET}},
    }
    answer = real.client.post(f"{FABRICS}/nbd/Connections", body)
    assert (answer.status_code, related(answer)) == (400, ["/ConnectionKeys/CHAP"])
    assert real.client.body(volume)["Connections@odata.count"] == 0
