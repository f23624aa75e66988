"""Metrics: of resources, in reports, pushed and streamed; every figure is one that somebody measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.environment import redfish_schemas
from tests.environment.redfish import RedfishClient, RedfishService, redfish_service
from tests.environment.redfish_events import Destination, Reader

TOTAL = 1 << 40
REPORTS = "/redfish/v1/TelemetryService/MetricReports"
MEMORY = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    with redfish_service(tmp_path_factory.mktemp("telemetry")) as found:
        pools = {"pools": [{"name": "pool", "total": TOTAL}]}
        found.make("/v1/backends", {"name": "array", "driver": "memory", "settings": pools})
        found.make("/v1/profiles", {"name": "memory", "properties": MEMORY, "is_default": True})
        yield found


@pytest.fixture
def client(service: RedfishService) -> Iterator[RedfishClient]:
    yield service.client()
    service.check()


def figures(report: dict[str, Any]) -> dict[str, int]:
    return {one["MetricId"]: int(one["MetricValue"]) for one in report["MetricValues"]}


def make_volume(client: RedfishClient) -> str:
    service = client.members("/redfish/v1/StorageServices")[0]
    answer = client.finished(client.post(f"{service}/Volumes", {"Name": "metered", "CapacityBytes": 1 << 30}))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def test_a_report_of_pools_says_what_their_back_ends_say(client: RedfishClient) -> None:
    make_volume(client)
    report = client.body(f"{REPORTS}/StoragePools")
    found = [one for one in report["MetricValues"] if one["MetricValue"] == str(TOTAL)]
    (total,) = [one for one in found if one["MetricId"] == "PoolTotalBytes"]
    pool, _, pointer = total["MetricProperty"].partition("#")
    value: Any = client.body(pool)
    for name in pointer.strip("/").split("/"):
        value = value[name]
    assert value == TOTAL


def test_every_metric_in_a_report_is_defined(client: RedfishClient) -> None:
    defined = {client.body(uri)["Id"] for uri in client.members("/redfish/v1/TelemetryService/MetricDefinitions")}
    for uri in client.members("/redfish/v1/TelemetryService/MetricReportDefinitions"):
        definition = client.body(uri)
        promised = {one["MetricId"] for one in definition["Metrics"]}
        assert promised <= defined
        assert set(figures(client.body(definition["MetricReport"]["@odata.id"]))) <= promised


def test_a_volume_and_a_pool_have_metrics_of_their_own(client: RedfishClient) -> None:
    volume = client.body(make_volume(client))
    shown = client.body(volume["Metrics"]["@odata.id"])
    assert shown["@odata.type"].startswith("#VolumeMetrics.")
    service = client.body(client.members("/redfish/v1/StorageServices")[0])
    assert client.body(service["Metrics"]["@odata.id"])["@odata.type"].startswith("#StorageServiceMetrics.")
    storage = client.members("/redfish/v1/Storage")
    pools = [uri for one in storage for uri in client.members(f"{one}/StoragePools")]
    for pool in pools:
        client.body(client.body(pool)["Metrics"]["@odata.id"])


def test_metrics_of_what_is_not_there_are_not_there(client: RedfishClient) -> None:
    service = client.members("/redfish/v1/StorageServices")[0]
    assert client.get(f"{service}/Volumes/none/Metrics").status_code == 404
    assert client.get("/redfish/v1/TelemetryService/MetricReports/none").status_code == 404
    assert client.get("/redfish/v1/TelemetryService/MetricDefinitions/none").status_code == 404


def test_reports_are_pushed_to_who_asked_for_them(client: RedfishClient) -> None:
    destination = Destination()
    try:
        wanted = {"Destination": destination.url, "Protocol": "Redfish", "EventFormatType": "MetricReport"}
        uri = client.post("/redfish/v1/EventService/Subscriptions", {**wanted, "Context": "c"}).headers["Location"]
        told = [destination.next()[1] for _ in range(2)]
        assert {one["Id"] for one in told} == {"StoragePools", "Volumes"}
        assert {one["Context"] for one in told} == {"c"}
        if not redfish_schemas.missing():
            assert [redfish_schemas.official().errors(one) for one in told] == [[], []]
        client.delete(uri)
    finally:
        destination.close()


def test_a_stream_carries_reports_and_goes_on_after_one(service: RedfishService, client: RedfishClient) -> None:
    reader = Reader(client)
    report = reader.next()
    assert report["body"]["@odata.type"].startswith("#MetricReport.")
    reader.close()
    missed = service.make("/v1/tenants", {"name": "after-a-report"})["id"]
    again = Reader(client, **{"Last-Event-ID": report["id"]})
    assert again.until(f"/redfish/v1/StorageServices/{missed}")
    again.close()
