"""Snapshots and clones made through Swordfish hold real data: written and read back by a host, on the `file` driver."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.chaos.depth import SIZE, Site, site
from tests.environment import iscsi, nbd
from tests.environment.redfish import ADMINISTRATOR, PASSWORD, RedfishClient, RedfishService

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(iscsi.missing() and nbd.missing()), reason=iscsi.missing() or nbd.missing()),
]


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    # Not below pytest's folders, which the daemons' account may not enter.
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-swordfish-", dir="/var/tmp") as made,
        site(Path(made)) as furnished,
    ):
        yield furnished


@pytest.fixture(scope="module")
def client(place: Site) -> Iterator[RedfishClient]:
    service = RedfishService(place.server)
    service.make("/v1/users", {"name": ADMINISTRATOR, "tenant": None, "roles": ["admin"], "password": PASSWORD})
    yield service.client()
    service.check()
    service.close()


@pytest.fixture(scope="module")
def home(client: RedfishClient) -> str:
    """The storage service of the one tenant."""
    return str(client.body("/redfish/v1/StorageServices")["Members"][0]["@odata.id"])


def _made(client: RedfishClient, answer: requests.Response) -> dict[str, Any]:
    answer = client.finished(answer)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _volume(place: Site, client: RedfishClient, home: str) -> dict[str, Any]:
    protocol = place.protocols()[0]
    profile = next(one["id"] for one in place.call("GET", "profiles")["items"] if one["name"] == protocol)
    links = {"ClassOfService": {"@odata.id": f"{home}/ClassesOfService/{profile}"}}
    return _made(client, client.post(f"{home}/Volumes", {"Name": "data", "CapacityBytes": SIZE, "Links": links}))


def _replica(client: RedfishClient, source: dict[str, Any], kind: str) -> dict[str, Any]:
    body = {
        "ReplicaType": kind,
        "ReplicaUpdateMode": "Synchronous",
        "TargetStoragePool": source["Links"]["ProvidingStoragePool"]["@odata.id"],
    }
    return _made(client, client.post(source["Actions"]["#Volume.CreateReplicaTarget"]["target"], body))


def _io(place: Site, volume: dict[str, Any], *commands: str) -> None:
    """A host's reads and writes, in an attachment of their own."""
    attachment = place.do("POST", "attachments", {"volume": volume["Id"], "host": place.host})["attachment"]
    place.io(attachment, *commands)
    place.do("DELETE", f"attachments/{attachment}")


def test_a_snapshot_keeps_its_moment_and_a_volume_made_from_it_has_the_data(
    place: Site, client: RedfishClient, home: str
) -> None:
    volume = _volume(place, client, home)
    _io(place, volume, "write -P 0x11 0 1M")
    snapshot = _replica(client, volume, "Snapshot")
    _io(place, volume, "write -P 0x22 0 1M")
    copy = _replica(client, snapshot, "Clone")
    _io(place, copy, "read -P 0x11 0 1M", "write -P 0x33 0 1M")
    _io(place, volume, "read -P 0x22 0 1M")
    again = _replica(client, snapshot, "Clone")
    _io(place, again, "read -P 0x11 0 1M")
    assert copy["ReplicaInfo"]["SourceReplica"]["@odata.id"] == snapshot["@odata.id"]


def test_a_clone_has_the_data_and_lives_on_without_its_source(place: Site, client: RedfishClient, home: str) -> None:
    volume = _volume(place, client, home)
    _io(place, volume, "write -P 0x44 1M 1M")
    clone = _replica(client, volume, "Clone")
    _io(place, volume, "write -P 0x55 1M 1M")
    assert client.finished(client.delete(volume["@odata.id"])).status_code == 204
    _io(place, clone, "read -P 0x44 1M 1M")
    assert "ReplicaInfo" not in client.body(clone["@odata.id"])


def test_a_grown_volume_has_its_data_and_the_new_room(place: Site, client: RedfishClient, home: str) -> None:
    volume = _volume(place, client, home)
    _io(place, volume, "write -P 0x66 0 1M")
    grown = client.finished(client.patch(volume["@odata.id"], {"CapacityBytes": 2 * SIZE}))
    assert grown.json()["CapacityBytes"] == 2 * SIZE
    end = 2 * SIZE - (1 << 20)
    _io(place, volume, "read -P 0x66 0 1M", f"write -P 0x77 {end} 1M", f"read -P 0x77 {end} 1M")
