"""Reports of what was measured last, of all that a caller may see (schema MetricReport 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from ....adapters.contract import Storage
from ....core.errors import IsthmusError, NotFound
from ....core.model.attachment import AttachmentState
from ....core.model.codec import time_text
from ....core.model.measurement import Measurement
from ....core.model.page import LARGEST_PAGE, Page, Query
from ....core.model.volume import Volume
from .. import uris
from .metrics import METRICS, Metric, io_statistics

T = TypeVar("T")

TYPE = "#MetricReport.v1_5_2.MetricReport"


@dataclass(frozen=True, slots=True)
class Report:
    """A kind of report: what its metrics are of."""

    id: str
    of: str
    name: str

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(metric for metric in METRICS if metric.of == self.of)


REPORTS = {
    "StoragePools": Report("StoragePools", "pool", "Room of storage pools"),
    "Volumes": Report("Volumes", "volume", "Use of attached volumes"),
}


def values(report: Report, storage: Storage) -> tuple[list[dict[str, Any]], datetime | None]:
    """The metric values as they were sampled last, and when the newest was."""
    made: list[dict[str, Any]] = []
    newest: datetime | None = None
    measured = _pools(storage) if report.of == "pool" else _volumes(storage)
    for uri, metrics_uri, found in measured:
        newest = found.at if newest is None else max(newest, found.at)
        moment = time_text(found.at)
        for metric in report.metrics:
            value = metric.read(found)
            if value is None:
                continue
            entry = {"MetricId": metric.id, "MetricValue": str(value), "Timestamp": moment}
            if metric.pointer is not None:
                entry["MetricProperty"] = f"{metrics_uri if metric.in_metrics else uri}#{metric.pointer}"
            made.append(entry)
    return made, newest


def document(report: Report, storage: Storage, context: str | None = None) -> dict[str, Any]:
    """The report as it is pushed and streamed."""
    found, newest = values(report, storage)
    body: dict[str, Any] = {
        "@odata.id": uris.metric_report(report.id),
        "@odata.type": TYPE,
        "Id": report.id,
        "Name": report.name,
        "MetricReportDefinition": uris.link(uris.metric_report_definition(report.id)),
        "MetricValues": found,
    }
    if newest is not None:
        body["Timestamp"] = time_text(newest)
    if context is not None:
        body["Context"] = context
    return body


Measured = Iterator[tuple[str, str, Measurement]]


def _pools(storage: Storage) -> Measured:
    for pool in _all(storage.pools.list, Query(limit=LARGEST_PAGE)):
        uri = uris.storage_pool(pool.backend, pool.id)
        found = _latest(storage, "pool", pool.id) or Measurement(
            "pool",
            pool.id,
            pool.updated_at,
            total_bytes=pool.total,
            used_bytes=pool.used,
            provisioned_bytes=pool.provisioned,
        )
        yield uri, uris.storage_pool_metrics(pool.backend, pool.id), found


def _volumes(storage: Storage) -> Measured:
    for volume, found in attached_volumes(storage):
        if found is not None:
            yield uris.volume(volume.tenant, volume.id), uris.volume_metrics(volume.tenant, volume.id), found


def attached_volumes(storage: Storage) -> Iterator[tuple[Volume, Measurement | None]]:
    """The attached volumes that the caller may see, each as this server sampled it last; None for one that it did not
    sample: it was attached just now, at another node, or beyond those that are sampled."""
    if storage.context.tenant is None and not storage.context.is_admin:
        return  # volumes belong to tenants
    everywhere = storage.context.is_admin and storage.context.tenant is None
    attached = _all(storage.attachments.list, Query(limit=LARGEST_PAGE, all_tenants=everywhere))
    for identifier in dict.fromkeys(one.volume for one in attached if one.state is AttachmentState.ATTACHED):
        try:
            volume = storage.volumes.get(identifier)
        except NotFound:
            continue  # It is gone since its attachment was listed.
        yield volume, _latest(storage, "volume", identifier)


def summed_statistics(storage: Storage, wanted: Callable[[Volume], bool]) -> dict[str, int] | None:
    """What hosts did with the attached volumes that are wanted, as sampled last, added up.

    Only sums of all of them: a figure that is not known of one volume is left out; None where none is left.
    """
    shown: dict[str, int] | None = None
    for volume, found in attached_volumes(storage):
        if wanted(volume):
            counted = io_statistics(found) if found is not None else None
            if counted is None:
                return None
            shown = counted if shown is None else {name: shown[name] + counted[name] for name in shown.keys() & counted}
    return shown or None


def _latest(storage: Storage, kind: str, identifier: str) -> Measurement | None:
    try:
        samples: Iterable[Measurement] = storage.metrics.history(kind, identifier)
    except IsthmusError:
        # It is gone since it was listed, or no history is kept.
        return None
    return max(samples, key=lambda sample: sample.at, default=None)


def _all(listing: Callable[[Query], Page[T]], query: Query) -> Iterator[T]:
    """Page after page."""
    while True:
        page = listing(query)
        yield from page.items
        if page.next is None:
            return
        query = replace(query, cursor=page.next)
