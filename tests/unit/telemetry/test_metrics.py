"""What is counted comes out as Prometheus reads it, whatever fails meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import VolumeRequest
from isthmus.core.store.database import Database
from isthmus.core.store.upgrade import upgrade
from isthmus.core.telemetry.database_errors import count_errors
from isthmus.core.telemetry.inventory import operation_families, pool_families
from isthmus.core.telemetry.metrics import Metrics
from tests.environment.engine import Installation, done

MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="1.2.3", node="n1")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/isthmus.db")
    upgrade(opened)
    yield opened
    opened.close()


def value(metrics: Metrics, sample: str, **labels: str) -> float | None:
    """The value of the one sample with these labels, None without one."""
    content, kind = metrics.exposed()
    assert kind.startswith("text/plain")
    found = [
        one.value
        for family in text_string_to_metric_families(content.decode())
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    ]
    assert len(found) <= 1, f"{sample} {labels} is there {len(found)} times"
    return found[0] if found else None


def test_build_and_process_are_shown(metrics: Metrics) -> None:
    assert value(metrics, "isthmus_build_info", version="1.2.3", node="n1") == 1
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 1e6


def test_requests_are_counted_by_route(metrics: Metrics) -> None:
    for status in ("200", "200", "404"):
        metrics.requested("/v1/volumes/{volume}", "GET", status, 0.004)
    assert value(metrics, "isthmus_http_requests_total", route="/v1/volumes/{volume}", status="200") == 2
    assert value(metrics, "isthmus_http_request_seconds_count", method="GET") == 3
    assert value(metrics, "isthmus_http_request_seconds_bucket", le="0.005") == 3
    assert value(metrics, "isthmus_http_request_seconds_bucket", le="0.0025") == 0


def test_methods_that_nobody_knows_make_no_series_of_their_own(metrics: Metrics) -> None:
    for number in range(5):
        metrics.requested("other", f"HACK{number}", "405", 0.001)
    assert value(metrics, "isthmus_http_requests_total", method="other") == 5


def test_operations_are_counted_with_the_time_they_took(metrics: Metrics) -> None:
    operation = Operation(
        id="o",
        kind="volume.create",
        resource_type="volume",
        resource="v",
        tenant="t",
        user="u",
        request_id="r",
        state=OperationState.DONE,
        created_at=MOMENT,
        updated_at=MOMENT + timedelta(seconds=2),
    )
    metrics.ended(operation)
    assert value(metrics, "isthmus_operations_total", kind="volume.create", state="done") == 1
    assert value(metrics, "isthmus_operation_seconds_sum", kind="volume.create") == 2


def test_driver_calls_are_counted_by_outcome(metrics: Metrics) -> None:
    metrics.observe("shelf", "create", 0.01, "ok")
    metrics.observe("shelf", "create", 0.01, "storage_refused")
    assert value(metrics, "isthmus_driver_calls_total", subject="shelf", outcome="storage_refused") == 1
    assert value(metrics, "isthmus_driver_call_seconds_count", subject="shelf", method="create") == 2


def test_a_source_that_fails_leaves_the_others_readable(metrics: Metrics) -> None:
    def fails() -> Iterator[Metric]:
        raise RuntimeError("no luck")

    metrics.collect(fails)
    metrics.follow("isthmus_after", "It comes after the one that fails.", lambda: [({}, 3.0)])
    assert value(metrics, "isthmus_after") == 3


def test_errors_of_the_database_are_counted(metrics: Metrics, database: Database) -> None:
    count_errors(database, metrics)
    with pytest.raises(DBAPIError), database.read() as tx:
        try:
            tx.execute(text("SELECT nothing FROM nowhere"))
        except DBAPIError as error:
            # Past the translation into our own errors, which is another's to test.
            raise DBAPIError("", None, error.orig) from error  # type: ignore[arg-type]
    assert value(metrics, "isthmus_database_errors_total", error="OperationalError") == 1


def test_pools_are_shown_one_by_one_or_summed_by_back_end(metrics: Metrics, database: Database, tmp_path: Path) -> None:
    installation = Installation.begin(database, tmp_path)
    engine = installation.engine()
    engine.start()
    try:
        administrator = installation.furnish(engine, pools=3, total=1 << 30)
        request = VolumeRequest("v", 1 << 20, "memory")
        done(engine, engine.volumes.create(administrator, request))
    finally:
        engine.stop()
    each, summed = Metrics(version="1", node="n"), Metrics(version="1", node="n")
    each.collect(lambda: pool_families(database))
    summed.collect(lambda: pool_families(database, most=2))
    assert value(each, "isthmus_pool_total_bytes", backend="array", pool="pool1", state="available") == 1 << 30
    assert value(summed, "isthmus_pool_total_bytes", backend="array") == 3 << 30
    assert value(summed, "isthmus_pool_provisioned_bytes", backend="array") == 1 << 20
    each.collect(lambda: operation_families(database))
    assert value(each, "isthmus_operations_live", kind="volume.create") is None
