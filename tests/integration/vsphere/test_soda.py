"""Every call of `docs/soda.md` does on a real server what the ability of SODA's adapter, or the workflow, did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.environment.server import until
from tests.integration.vsphere.conftest import Installation
from tests.simulators.vcenter import VCenter

pytestmark = pytest.mark.server

PAGE = Path(__file__).resolve().parents[3] / "docs" / "soda.md"
_ROW = re.compile(r"^\| (?P<name>[^|]+?) \| `(?P<method>[A-Z]+) (?P<path>\S+)(?: (?P<body>\{.*\}))?` \|$", re.M)
_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,}(?![A-Za-z0-9])")
ABILITIES = (
    "login", "logout", "getDeviceInfo", "createVolume", "deleteVolume", "expandVolume", "listVolumes",
    "listVolumes(poolId)", "listVolumes(key, value)", "listStoragePools", "getStoragePool", "attachVolume",
    "detachVolume", "queryVolumeByID", "listSnapshot", "createVolumeSnapshot", "deleteVolumeSnapshot",
    "rollbackVolumeSnapshot",
)  # fmt: skip


def sections() -> Mapping[str, list[re.Match[str]]]:
    """The rows with calls, by the heading that they stand under; those after a table's text belong to it too."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.M)
    return {name: list(_ROW.finditer(text)) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@dataclass
class Reader:
    """Somebody who types the page's calls, and puts what they answered into the next ones."""

    client: requests.Session
    address: str
    known: dict[str, str] = field(default_factory=dict)

    def type(self, row: re.Match[str], *, dry: bool = False) -> Any:
        """One call, which must be accepted and end well; what it answered or made."""
        path, body = self._filled(row["path"]), row["body"]
        document = None if body is None else json.loads(body, object_hook=self._objects)
        headers = {"Authorization": f"Bearer {self.known['OWN']}"} if "OWN" in self.known else {}
        answer = self.client.request(
            row["method"], f"{self.address}{path}{'?dry_run=true' if dry else ''}", json=document, headers=headers,
            timeout=60,
        )  # fmt: skip
        assert answer.status_code < 300, f"{row.group()}: {answer.status_code} {answer.text}"
        found = answer.json() if answer.content else {}
        return self._done(found) if answer.status_code == 202 else found

    def _done(self, operation: Mapping[str, Any]) -> Any:
        path = f"{self.address}/v1/operations/{operation['id']}?wait=30"
        ended = until(lambda: (found := self.client.get(path, timeout=60).json())["state"] == "done" and found)
        return ended["result"]

    def _objects(self, found: dict[str, Any]) -> dict[str, Any]:
        return {key: self._filled(value) if isinstance(value, str) else value for key, value in found.items()}

    def _filled(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda each: self.known.get(each.group(), each.group()), text)


@pytest.fixture
def reader(installation: Installation) -> Iterator[Reader]:
    """On a server with a back end and the profile `thin`."""
    client, address = installation.client, installation.server.address
    backends = {each["name"] for each in client.get(f"{address}/v1/backends", timeout=10).json()["items"]}
    if "soda" not in backends:
        backend = {"name": "soda", "driver": "memory", "settings": {"pools": [{"name": "p", "total": 1 << 40}]}}
        assert client.post(f"{address}/v1/backends", json=backend, timeout=30).status_code == 201
        thin = {
            "ioConnectivity": {"accessProtocol": "memory"},
            "dataStorage": {"provisioningPolicy": "Thin"},
        }
        profile = {"name": "thin", "properties": {"provisioningProperties": thin}}
        assert client.post(f"{address}/v1/profiles", json=profile, timeout=10).status_code == 201
    host = {"name": "esx-01", "os_type": "esxi", "initiators": [{"protocol": "memory", "name": "esx-01"}]}
    made = client.post(f"{address}/v1/hosts/ensure", json=host, timeout=10)
    assert made.status_code in (200, 201), made.text
    yield Reader(client, address, {"HOST": made.json()["id"]})


def test_the_page_has_every_ability_and_every_workflow() -> None:
    found = sections()
    names = [row["name"].partition(" (WWN)")[0].strip("`") for row in found["The adapter's abilities"]]
    assert sorted(names) == sorted(ABILITIES) and len(names) == 18
    assert len(found["The workflows"]) == 7 + 5


def test_the_abilities_in_the_order_of_the_page(reader: Reader) -> None:
    client, address = reader.client, reader.address
    who = client.get(f"{address}/v1/whoami", timeout=10).json()["user"]
    wanted = {"name": "soda", "user": who}
    token = client.post(f"{address}/v1/tokens", json=wanted, timeout=10)
    reader.known["SESSION"] = token.json()["id"]
    volume: dict[str, Any] = {}
    for row in sections()["The adapter's abilities"]:
        found, name = reader.type(row), row["name"].strip("`").partition("` ")[0]
        if name == "listStoragePools":
            reader.known["POOL"] = next(each["id"] for each in found["items"] if each["name"] == "p")
        elif name == "createVolume":
            reader.known["VOLUME"] = found["volume"]
            volume = client.get(f"{address}/v1/volumes/{found['volume']}", timeout=10).json()
            assert (volume["pool"], volume["size"]) == (reader.known["POOL"], 2 << 30), "neither is dropped on the way"
            reader.known["WWN"] = volume["identifier"]
        elif name.startswith(("listVolumes", "queryVolumeByID")):
            assert volume["id"] in {each["id"] for each in found["items"]}
        elif name == "expandVolume":
            assert client.get(f"{address}/v1/volumes/{volume['id']}", timeout=10).json()["size"] == 3 << 30
        elif name == "createVolumeSnapshot":
            reader.known["SNAPSHOT"] = found["snapshot"]
        elif name == "listSnapshot":
            assert [each["id"] for each in found["items"]] == [reader.known["SNAPSHOT"]]
        elif name == "attachVolume":
            reader.known["ATTACHMENT"] = found["attachment"]
    assert client.get(f"{address}/v1/volumes/{volume['id']}", timeout=10).status_code == 404


def test_the_workflows_of_volumes(reader: Reader, installation: Installation) -> None:
    server = installation.server
    assert server.ca is not None
    reader.known |= {"ADDRESS": server.address, "CA": server.ca.read_text(), "SECRET": server.token}
    for row in sections()["The workflows"][:6]:
        if row["name"] == "Delete Volume":
            path = f"{reader.address}/v1/attachments/{reader.known['ATTACHMENT']}"
            reader._done(reader.client.delete(path, timeout=30).json())
        found = reader.type(row)
        if row["name"] == "Create Volume":
            reader.known["VOLUME"] = found["volume"]
        elif row["name"] == "Attach Volume to Host":
            reader.known["ATTACHMENT"] = found["attachment"]
    systems = reader.client.get(f"{reader.address}/v1/systems", timeout=10).json()["items"]
    assert "other" not in {each["name"] for each in systems}


def test_the_workflows_of_datastores_are_actions_that_know_the_input(
    reader: Reader, installation: Installation, vc: VCenter
) -> None:
    installation.register(vc)
    reader.known |= {
        "GUID": vc.guid,
        "ESX": vc.named("esx-01.example.test").moid,
        "DATASTORE": vc.named("datastore-001").moid,
        "VM": vc.named("vm-001").moid,
    }
    for row in sections()["The workflows"][6:]:
        document = json.loads(row["body"], object_hook=reader._objects)
        address = f"{reader.address}{row['path']}?dry_run=true"
        answer = reader.client.post(address, json=document, timeout=60)
        # What the simulated vCenter lacks is told as a cause with a cure; a call that is wrong would be a 400 or 404.
        assert answer.status_code in (200, 409, 502), f"{row.group()}: {answer.status_code} {answer.text}"
        if answer.status_code != 200:
            assert answer.json()["next_step"], answer.text
