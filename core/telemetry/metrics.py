"""The metrics of one process: counted where things happen, asked for when somebody reads them."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from ..model.operation import Operation

_log = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
_CALL_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OPERATION_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Metrics:
    """Counts of this process in a registry of its own. All methods are quick, safe from any thread and never raise.

    Names begin with `isthmus_`; seconds and bytes are the units. A label has few values: routes by their pattern,
    back ends by name, never an id.
    """

    def __init__(self, *, version: str, node: str) -> None:
        # A second series for each counter, with the time of its birth, is of no use to anybody here.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._requests = Counter(
            "isthmus_http_requests",
            "Requests answered, by the pattern of their path.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._request_seconds = Histogram(
            "isthmus_http_request_seconds",
            "Seconds until a request was answered (a stream: until it began).",
            ("route", "method"),
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._operations = Counter(
            "isthmus_operations",
            "Operations that this process brought to an end, by kind and the state they ended in.",
            ("kind", "state"),
            registry=registry,
        )
        self._operation_seconds = Histogram(
            "isthmus_operation_seconds",
            "Seconds from an operation's acceptance to its end.",
            ("kind",),
            buckets=_OPERATION_SECONDS,
            registry=registry,
        )
        self._calls = Counter(
            "isthmus_driver_calls",
            "Calls of drivers and targets; the outcome is ok, an error's code, or bug.",
            ("subject", "method", "outcome"),
            registry=registry,
        )
        self._call_seconds = Histogram(
            "isthmus_driver_call_seconds",
            "Seconds that calls of drivers and targets took.",
            ("subject", "method"),
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._database_errors = Counter(
            "isthmus_database_errors",
            "Errors of the database, those included that a repeat mended.",
            ("error",),
            registry=registry,
        )
        labels = {"version": version, "node": node, "python": platform.python_version()}
        self.follow("isthmus_build_info", "What runs here.", lambda: [(labels, 1.0)])

    def requested(self, route: str, method: str, status: str, seconds: float) -> None:
        """A request to the path pattern `route` was answered with `status` (three digits)."""
        method = method if method in _METHODS else "other"
        self._requests.labels(route, method, status).inc()
        self._request_seconds.labels(route, method).observe(seconds)

    def ended(self, operation: Operation) -> None:
        """An operation ended, or came to need attention."""
        self._operations.labels(operation.kind, operation.state.value).inc()
        seconds = (operation.updated_at - operation.created_at).total_seconds()
        self._operation_seconds.labels(operation.kind).observe(max(0.0, seconds))

    def observe(self, subject: str, method: str, seconds: float, outcome: str) -> None:
        """A driver or target was called; the sink of the wrapper `measured`."""
        self._calls.labels(subject, method, outcome).inc()
        self._call_seconds.labels(subject, method).observe(seconds)

    def database_error(self, error: str) -> None:
        """The database answered with an error of this class."""
        self._database_errors.labels(error).inc()

    def follow(self, name: str, meaning: str, ask: Callable[[], Iterable[tuple[dict[str, str], float]]]) -> None:
        """Ask for values (labels and number) whenever the metrics are read. What fails is left out and logged."""

        def families() -> Iterable[Metric]:
            values = list(ask())
            family = GaugeMetricFamily(name, meaning, labels=tuple(values[0][0]) if values else ())
            for labels, value in values:
                family.add_metric(tuple(labels.values()), value)
            return [family]

        self.collect(families)

    def collect(self, families: Callable[[], Iterable[Metric]]) -> None:
        """Ask for whole families whenever the metrics are read. What fails is left out and logged."""
        self.registry.register(_Asked(families))

    def exposed(self) -> tuple[bytes, str]:
        """All metrics as Prometheus reads them, and the content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


class _Asked:
    """A collector that leaves itself out when its source fails: the other metrics are needed most then."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        try:
            return list(self._families())
        except Exception as error:
            _log.warning("a metric could not be read: %s: %s", type(error).__name__, error)
            return []
