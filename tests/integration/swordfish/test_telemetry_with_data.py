"""What is told of hosts is what real hosts read and wrote over iSCSI, and sums are of everything or are not told."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.clients import connect
from tests.chaos.depth import Site
from tests.environment import iscsi
from tests.environment.redfish import ADMINISTRATOR, PASSWORD, ROOT, RedfishClient, RedfishService
from tests.environment.server import until

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(iscsi.missing()), reason=iscsi.missing() or "-"),
]
MIB = 1 << 20
REPORT = f"{ROOT}/TelemetryService/MetricReports/Volumes"


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    # Not below pytest's folders, which the daemons' account may not enter.
    with tempfile.TemporaryDirectory(prefix="isthmus-telemetry-", dir="/var/tmp") as folder:
        made = Site(Path(folder))
        made.settings["data_path"]["sample"] = 0.5
        try:
            made.start()
            made.furnish()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def client(place: Site) -> Iterator[RedfishClient]:
    service = RedfishService(place.server)
    service.make("/v1/users", {"name": ADMINISTRATOR, "tenant": None, "roles": ["admin"], "password": PASSWORD})
    yield service.client()
    service.check()
    service.close()


def attached(place: Site) -> tuple[str, str]:
    """A new volume and its attachment."""
    volume = place.do("POST", "volumes", {"name": "counted", "size": 16 * MIB, "profile": "iscsi"})["volume"]
    return volume, place.do("POST", "attachments", {"volume": volume, "host": place.host})["attachment"]


@contextlib.contextmanager
def host_of(place: Site, attachment: str, mebibytes: int) -> Iterator[None]:
    """A host that writes so much, reads a quarter of it back, and stays connected: counted is what lives."""
    host = connect(place.connection(attachment))
    try:
        for number in range(mebibytes * 4):
            host.write(number * MIB // 4, b"\x5a" * (MIB // 4))
        for number in range(mebibytes):
            assert host.read(number * MIB // 4, MIB // 4) == b"\x5a" * (MIB // 4)
        yield
    finally:
        host.close()


def statistics(client: RedfishClient, uri: str) -> dict[str, int]:
    """What is told; nothing where there is no figure."""
    found: dict[str, int] = client.body(f"{uri}/Metrics").get("IOStatistics", {})
    return found


def test_what_hosts_did_is_what_the_figures_say(place: Site, client: RedfishClient) -> None:
    first, second = attached(place), attached(place)
    (home,) = client.members(f"{ROOT}/StorageServices")
    shown = [client.body(f"{home}/Volumes/{volume}") for volume, _ in (first, second)]
    pool = shown[0]["Links"]["ProvidingStoragePool"]["@odata.id"]
    with host_of(place, first[1], 1):
        with host_of(place, second[1], 2):
            each = [statistics(client, volume["@odata.id"]) for volume in shown]
            for found, written in zip(each, (1, 2), strict=True):
                assert (found["WriteIORequests"], found["WriteIOKiBytes"]) == (4 * written, 1024 * written)
                # A host that connects reads a little besides.
                assert 256 * written <= found["ReadIOKiBytes"] < 256 * written + 64
                assert found["ReadIORequests"] >= written
            total = {name: sum(one[name] for one in each) for name in each[0]}
            until(lambda: statistics(client, home) == statistics(client, pool) == total)
            reported = {one.get("MetricProperty"): one["MetricValue"] for one in client.body(REPORT)["MetricValues"]}
            for volume, found in zip(shown, each, strict=True):
                for name, value in found.items():
                    assert reported[f"{volume['@odata.id']}/Metrics#/IOStatistics/{name}"] == str(value)
        place.do("DELETE", f"attachments/{second[1]}")
        until(lambda: statistics(client, home) == each[0])
