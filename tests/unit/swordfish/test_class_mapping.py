"""Profiles and classes of service say the same, whichever way one goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from isthmus.core.profiles.requirement import compiled
from isthmus.plugins.swordfish.classes.class_mapping import KINDS, LINES, SCHEMAS, line_meant
from tests.environment import redfish_schemas

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINE = {line.id: line for line in LINES}
LARGEST = 2**53 - 1
LARGEST_SAID = (2**63 - 1) // 125_000

digits = some.integers(0, 999)


def sections(**parts: some.SearchStrategy[Any]) -> some.SearchStrategy[dict[str, Any]]:
    """Any of these properties; what would be an empty object is left out."""
    found: some.SearchStrategy[dict[str, Any]] = some.fixed_dictionaries({}, optional=parts)
    return found.map(lambda document: {name: value for name, value in document.items() if value != {}})


def durations() -> some.SearchStrategy[str]:
    """Durations in days, hours, minutes and seconds."""
    parts = [digits.map(lambda n, unit=unit: f"{n}{unit}") | some.just("") for unit in "DHMS"]  # type: ignore[misc]
    return (
        some.tuples(*parts)
        .filter(any)
        .map(lambda found: f"P{found[0]}{'T' if any(found[1:]) else ''}{''.join(found[1:])}")
    )


ACCESS = some.sampled_from(["OnlineActive", "OnlinePassive", "Nearline", "Offline"])
PROTECTION = sections(
    isIsolated=some.booleans(),
    minLifetime=durations(),
    recoveryGeographicObjective=some.sampled_from(["Server", "Rack", "RackGroup", "Row", "Datacenter", "Region"]),
    recoveryPointObjectiveTime=durations(),
    recoveryTimeObjective=ACCESS,
    replicaType=some.sampled_from(["Mirror", "Snapshot", "Clone", "TokenizedClone"]),
)
TIMES = some.datetimes().map(lambda time: f"{time.replace(year=2030, microsecond=0, day=1).isoformat()}Z")
SCHEDULE = sections(datetime=TIMES, occurrence=some.sampled_from(["Hourly", "Daily", "Weekly", "Monthly"])).filter(
    lambda schedule: "datetime" in schedule or schedule.get("occurrence") != "Monthly"
)
SAYABLE = sections(
    provisioningProperties=sections(
        dataStorage=sections(
            provisioningPolicy=some.sampled_from(["Thin", "Thick"]),
            isSpaceEfficient=some.booleans(),
            recoveryTimeObjective=ACCESS,
            storageAccessCapability=some.lists(
                some.sampled_from(["Read", "Write", "Append", "Execute", "Streaming"]), min_size=1, unique=True
            ),
        ),
        ioConnectivity=sections(
            accessProtocol=some.sampled_from(["iscsi", "fc", "nvmeof", "smb"]),
            maxIOPS=some.integers(1, LARGEST),
            maxBWS=some.integers(1, LARGEST_SAID),
            latency=some.integers(1, 10**12),
        ),
    ),
    snapshotProperties=sections(schedule=SCHEDULE, retention=sections(duration=some.integers(1, 10**6))),
    replicationProperties=sections(dataProtection=PROTECTION, replicaInfos=sections(replicationPeriod=durations())),
    dataProtectionProperties=sections(dataProtection=PROTECTION),
)
"""Profiles with what both can say, in the words that today's documents use."""

UNSAID = {
    "enforcement": "report",
    "provisioningProperties": {
        "dataStorage": {"compression": True, "deduplication": False, "characterCodeSet": "UTF-8"},
        "ioConnectivity": {"minIOPS": 5, "minBWS": 6, "accessProtocol": "nbd", "maxIOPS": 0},
    },
    "snapshotProperties": {"retention": {"number": 3}, "schedule": {"occurrence": "Monthly"}},
    "replicationProperties": {
        "dataProtection": {"replicaType": "other", "minLifetime": "P1Y"},
        "replicaInfos": {"consistencyEnabled": True, "replicationBandwidth": 3},
    },
    "dataProtectionProperties": {"consistencyEnabled": True},
    "customProperties": {"capabilities:diskType": "ssd", "availabilityZone": "east"},
}
"""A profile of which Swordfish can say nothing."""


def said(properties: Any) -> dict[str, dict[str, Any]]:
    """What a class shows of a profile: its lines by id."""
    return {line.id: body for line in LINES if (body := line.said(properties))}


def profile_of(lines: dict[str, dict[str, Any]], properties: Any) -> Any:
    """The profile that a class with these lines makes of another one."""
    for line in LINES:
        properties = line.replaced(properties, lines.get(line.id))
    return properties


@CALM
@given(SAYABLE)
def test_a_profile_that_both_can_say_comes_back_whole(properties: dict[str, Any]) -> None:
    compiled(properties, "generated")
    assert profile_of(said(properties), {}) == properties


@CALM
@given(SAYABLE, SAYABLE)
def test_a_class_comes_back_whole_whatever_the_profile_said_before(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert said(profile_of(said(one), two)) == said(one)


@CALM
@given(SAYABLE)
def test_what_is_shown_is_taken_back(properties: dict[str, Any]) -> None:
    for line, body in said(properties).items():
        assert not list(Draft202012Validator(SCHEMAS[line]).iter_errors(body))


@CALM
@given(SAYABLE)
def test_what_is_shown_is_what_the_publisher_allows(properties: dict[str, Any]) -> None:
    if redfish_schemas.missing():
        pytest.skip(redfish_schemas.missing())
    for line, body in said(properties).items():
        place = f"/redfish/v1/StorageServices/a/ClassesOfService/b/{LINE[line].kind}/{line}"
        odata_type = f"#{LINE[line].type}.{LINE[line].version}.{LINE[line].type}"
        whole = {"@odata.id": place, "@odata.type": odata_type, "Id": line, "Name": LINE[line].name, **body}
        schemas = redfish_schemas.official()
        assert schemas.errors(json.loads(json.dumps(whole))) == []
        assert schemas.warnings(whole) == []


@CALM
@given(SAYABLE)
def test_what_swordfish_cannot_say_survives_every_change(properties: dict[str, Any]) -> None:
    changed = profile_of(said(properties), UNSAID)
    assert said(changed) == said(properties)
    for path in ("provisioningProperties", "dataStorage", "compression"), ("customProperties", "availabilityZone"):
        value, expected = changed, UNSAID
        for name in path:
            value, expected = value[name], expected[name]  # type: ignore[assignment]
        assert value == expected
    assert changed["snapshotProperties"]["retention"]["number"] == 3


def test_nothing_is_shown_of_what_swordfish_cannot_say() -> None:
    compiled(UNSAID, "unsaid")
    assert said(UNSAID) == {}
    assert profile_of({}, UNSAID) == UNSAID


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({"maxBWS": 8}, {"MaxBytesPerSecond": 1_000_000}),
        ({"maxBWS": 0, "maxIOPS": 10}, {"MaxIOPS": 10}),
        ({"accessProtocol": "ISCSI"}, {"AccessProtocols": ["iSCSI"]}),
        ({"accessProtocol": "nbd"}, {}),
    ],
)
def test_connectivity_is_shown_in_swordfish_s_units(properties: dict[str, Any], shown: dict[str, Any]) -> None:
    assert LINE["connectivity"].said({"provisioningProperties": {"ioConnectivity": properties}}) == shown


@pytest.mark.parametrize("policy", ["Thick", "Fixed"])
def test_thick_is_fixed(policy: str) -> None:
    properties = {"provisioningProperties": {"dataStorage": {"provisioningPolicy": policy}}}
    assert said(properties) == {"storage": {"ProvisioningPolicy": "Fixed"}}
    back = {"provisioningProperties": {"dataStorage": {"provisioningPolicy": "Thick"}}}
    assert profile_of(said(properties), properties) == back


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ({"occurrence": "Hourly"}, {"RecurrenceInterval": "PT1H"}),
        ({"occurrence": "Weekly"}, {"RecurrenceInterval": "P7D"}),
        ({"datetime": "2030-01-31T22:00"}, {"InitialStartTime": "2030-01-31T22:00:00Z"}),
        ({"datetime": "2030-01-31T22:00:05.5+0130"}, {"InitialStartTime": "2030-01-31T22:00:05.5+01:30"}),
        (
            {"datetime": "2030-01-31T22:00:00Z", "occurrence": "Monthly"},
            {"InitialStartTime": "2030-01-31T22:00:00Z", "RecurrenceInterval": "P1D", "EnabledDaysOfMonth": [31]},
        ),
    ],
)
def test_schedules_of_snapshots(schedule: dict[str, Any], shown: dict[str, Any]) -> None:
    assert LINE["snapshot"].said({"snapshotProperties": {"schedule": schedule}})["Schedule"] == shown


@pytest.mark.parametrize(
    ("duration", "shown"),
    [("P2W", "P14D"), ("P1W2DT3H", "P9DT3H"), ("PT90M", "PT90M"), ("P0Y", "P0D"), ("P1Y", None), ("P3M", None)],
)
def test_weeks_are_days_and_what_has_no_fixed_length_is_not_said(duration: str, shown: str | None) -> None:
    properties = {"dataProtectionProperties": {"dataProtection": {"minLifetime": duration}}}
    assert LINE["backup"].said(properties).get("MinLifetime") == shown


def test_older_spellings_are_read_and_today_s_are_written() -> None:
    older = {"recoveryGeographicObject": "Rack", "recoveryPointObjective": "PT1H"}
    properties = {"replicationProperties": {"dataProtection": older}}
    shown = {"RecoveryGeographicObjective": "Rack", "RecoveryPointObjectiveTime": "PT1H"}
    assert said(properties) == {"replication": shown}
    today = {"recoveryGeographicObjective": "Rack", "recoveryPointObjectiveTime": "PT1H"}
    assert profile_of(said(properties), properties) == {"replicationProperties": {"dataProtection": today}}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("connectivity", {"MaxBytesPerSecond": 125_001}),
        ("connectivity", {"MaxIOPS": 0}),
        ("connectivity", {"MaxIOPS": True}),
        ("connectivity", {"AccessProtocols": ["iSCSI", "FC"]}),
        ("connectivity", {"AccessProtocols": ["NBD"]}),
        ("performance", {"AverageIOOperationLatencyMicroseconds": 1500}),
        ("storage", {"ProvisioningPolicy": "Thick"}),
        ("snapshot", {"ReplicaType": "Mirror"}),
        ("snapshot", {"Schedule": {"RecurrenceInterval": "PT2H"}}),
        ("backup", {"Schedule": {"RecurrenceInterval": "PT1H"}}),
        ("backup", {"MinLifetime": "P"}),
        ("backup", {"MinLifetime": "a week"}),
        ("replication", {"Schedule": {"InitialStartTime": "2030-01-31T22:00:00Z"}}),
    ],
)
def test_what_a_profile_cannot_hold_is_refused(line: str, values: dict[str, Any]) -> None:
    assert list(Draft202012Validator(SCHEMAS[line]).iter_errors(values))


@pytest.mark.parametrize(
    "values",
    [
        {"MinLifetime": "PT36H"},
        {"MinLifetime": "P0D"},
        {"Schedule": {"EnabledDaysOfMonth": [3], "RecurrenceInterval": "P1D"}},
        {
            "Schedule": {
                "EnabledDaysOfMonth": [3],
                "RecurrenceInterval": "P1D",
                "InitialStartTime": "2030-01-31T22:00:00Z",
            }
        },
    ],
)
def test_what_only_looks_right_is_refused_too(values: dict[str, Any]) -> None:
    assert not list(Draft202012Validator(SCHEMAS["snapshot"]).iter_errors(values))
    with pytest.raises(ValueError):
        LINE["snapshot"].changed({}, values)


def test_a_line_without_a_name_is_told_by_its_kind_of_copy() -> None:
    kind = "DataProtectionLinesOfService"
    meant = {kind_of: line_meant(kind, {"ReplicaType": kind_of}).id for kind_of in ("Mirror", "Snapshot", "Clone")}
    assert meant == {"Mirror": "replication", "Snapshot": "snapshot", "Clone": "backup"}
    assert line_meant(kind, {}).id == "backup"
    assert line_meant(kind, {"Id": "replication", "ReplicaType": "Snapshot"}).id == "replication"


def test_null_takes_out_what_was_said_and_nothing_else() -> None:
    properties = {"provisioningProperties": {"ioConnectivity": {"maxIOPS": 5, "minIOPS": 1}}}
    changed = LINE["connectivity"].changed(properties, {"MaxIOPS": None})
    assert changed == {"provisioningProperties": {"ioConnectivity": {"minIOPS": 1}}}
    assert (
        LINE["connectivity"].changed({"provisioningProperties": {"ioConnectivity": {"maxIOPS": 5}}}, {"MaxIOPS": None})
        == {}
    )


def test_a_line_says_which_of_its_properties_nothing_enforces() -> None:
    properties = {
        "provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi", "maxIOPS": 5}},
        "snapshotProperties": {"schedule": {"occurrence": "Daily"}, "retention": {"duration": 2}},
        "replicationProperties": {"dataProtection": {"replicaType": "Mirror"}},
    }
    unenforced = compiled(properties, "gold").unenforced
    notes = {line.id: line.note(properties, unenforced) for line in LINES if line.said(properties)}
    assert notes == {
        "connectivity": "Enforced only where the pool does it itself: MaxIOPS.",
        "snapshot": None,
        "replication": "Kept, but carried out by nothing yet: ReplicaType.",
    }


def test_each_kind_is_one_type() -> None:
    for lines in KINDS.values():
        assert len({(line.type, line.version) for line in lines}) == 1
