"""The telemetry service: which metrics there are, and reports of them (DSP0266; schema TelemetryService)."""

from __future__ import annotations

from typing import Any

from ....core.errors import NotFound
from ....core.model.codec import time_text
from .. import uris
from ..protocol.request import Request
from ..protocol.resource import Collection, Property, Resource
from ..protocol.windows import window_of
from ..telemetry.metrics import BY_ID, METRICS, Metric
from ..telemetry.reports import REPORTS, Report, values
from ..uris import link

_ENABLED = {"State": "Enabled", "Health": "OK"}


def interval(request: Request) -> str:
    """How often reports are sent, as a duration of ISO 8601."""
    return f"PT{request.service.settings['report_interval']}S"


def _metric(request: Request) -> Metric:
    found = BY_ID.get(request.params["metric"])
    if found is None:
        raise NotFound(f"There is no metric {request.params['metric']}.")
    return found


def _report(request: Request) -> Report:
    found = REPORTS.get(request.params["report"])
    if found is None:
        raise NotFound(f"There is no report {request.params['report']}.")
    return found


def _valued(request: Request) -> tuple[Report, list[dict[str, Any]], Any]:
    report = _report(request)
    return report, *values(report, request.storage)


TELEMETRY_SERVICE = Resource(
    type="TelemetryService",
    version="v1_4_1",
    path=uris.TELEMETRY_SERVICE,
    load=lambda request: None,
    name=lambda noun, request: "Telemetry",
    properties=(
        Property("ServiceEnabled", lambda noun, request: True),
        Property("Status", lambda noun, request: _ENABLED),
        Property("MaxReports", lambda noun, request: len(REPORTS)),
        Property("MetricDefinitions", lambda noun, request: link(uris.METRIC_DEFINITIONS)),
        Property("MetricReportDefinitions", lambda noun, request: link(uris.METRIC_REPORT_DEFINITIONS)),
        Property("MetricReports", lambda noun, request: link(uris.METRIC_REPORTS)),
    ),
)

METRIC_DEFINITION = Resource(
    type="MetricDefinition",
    version="v1_3_5",
    path=uris.metric_definition("{metric}"),
    load=_metric,
    id_of=lambda metric: str(metric.id),
    name=lambda metric, request: metric.description,
    properties=(
        Property("MetricType", lambda metric, request: metric.type),
        Property("MetricDataType", lambda metric, request: "Integer"),
        Property("Units", lambda metric, request: metric.unit),
        Property("Implementation", lambda metric, request: "DigitalMeter"),
        Property("IsLinear", lambda metric, request: True),
    ),
)

METRIC_DEFINITIONS = Collection(
    type="MetricDefinitionCollection",
    path=uris.METRIC_DEFINITIONS,
    name="Metrics",
    member=METRIC_DEFINITION,
    list=lambda request, after, limit: window_of([uris.metric_definition(one.id) for one in METRICS], after, limit),
    uri_of=lambda metric, request: uris.metric_definition(metric.id),
)

METRIC_REPORT_DEFINITION = Resource(
    type="MetricReportDefinition",
    version="v1_4_7",
    path=uris.metric_report_definition("{report}"),
    load=_report,
    id_of=lambda report: str(report.id),
    name=lambda report, request: report.name,
    properties=(
        Property("MetricReportDefinitionType", lambda report, request: "Periodic"),
        Property("MetricReportDefinitionEnabled", lambda report, request: True),
        Property("Schedule", lambda report, request: {"RecurrenceInterval": interval(request)}),
        Property("ReportActions", lambda report, request: ["LogToMetricReportsCollection", "RedfishEvent"]),
        Property("ReportUpdates", lambda report, request: "Overwrite"),
        Property("Status", lambda report, request: _ENABLED),
        Property("Metrics", lambda report, request: [{"MetricId": metric.id} for metric in report.metrics]),
        Property("MetricReport", lambda report, request: link(uris.metric_report(report.id))),
    ),
)

METRIC_REPORT_DEFINITIONS = Collection(
    type="MetricReportDefinitionCollection",
    path=uris.METRIC_REPORT_DEFINITIONS,
    name="Kinds of reports",
    member=METRIC_REPORT_DEFINITION,
    list=lambda request, after, limit: window_of([uris.metric_report_definition(one) for one in REPORTS], after, limit),
    uri_of=lambda report, request: uris.metric_report_definition(report.id),
)

METRIC_REPORT = Resource(
    type="MetricReport",
    version="v1_5_2",
    path=uris.metric_report("{report}"),
    load=_valued,
    id_of=lambda found: str(found[0].id),
    name=lambda found, request: found[0].name,
    properties=(
        Property("MetricReportDefinition", lambda found, request: link(uris.metric_report_definition(found[0].id))),
        Property("Timestamp", lambda found, request: None if found[2] is None else time_text(found[2])),
        Property("MetricValues", lambda found, request: found[1]),
    ),
)

METRIC_REPORTS = Collection(
    type="MetricReportCollection",
    path=uris.METRIC_REPORTS,
    name="Reports",
    member=METRIC_REPORT,
    list=lambda request, after, limit: window_of([uris.metric_report(one) for one in REPORTS], after, limit),
    uri_of=lambda report, request: uris.metric_report(report.id),
)

SERVED = (
    TELEMETRY_SERVICE,
    METRIC_DEFINITIONS,
    METRIC_DEFINITION,
    METRIC_REPORT_DEFINITIONS,
    METRIC_REPORT_DEFINITION,
    METRIC_REPORTS,
    METRIC_REPORT,
)
