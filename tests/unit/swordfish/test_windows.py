"""Maintenance windows: which counts when, and what is told of what waits for one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from isthmus.core.errors import NotFound, Stale
from isthmus.core.model.codec import time_text
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import SnapshotRequest, VolumeRequest
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugin_manager.contract import PluginSetup
from isthmus.plugins.swordfish.maintenance import change as changes
from isthmus.plugins.swordfish.maintenance.change import KINDS, Change
from isthmus.plugins.swordfish.maintenance.seen import seen, waits
from isthmus.plugins.swordfish.maintenance.tenant_windows import TenantWindows
from isthmus.plugins.swordfish.maintenance.window import MaintenanceWindow, daily
from isthmus.plugins.swordfish.plugin import SwordfishPlugin
from isthmus.plugins.swordfish.protocol.request import Request

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
moments = some.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(moments, some.integers(0, 23), some.integers(1, 86400))
def test_the_daily_window_is_the_open_one_or_the_next(moment: datetime, hour: int, seconds: int) -> None:
    window = daily(f"{hour:02}:30", seconds, moment)
    assert (window.start.hour, window.start.minute, window.start.second) == (hour, 30, 0)
    assert window.end > moment >= window.end - timedelta(days=1)
    assert window.open(moment) == (window.start <= moment)


def test_a_window_is_open_from_its_start_and_not_at_its_end() -> None:
    window = MaintenanceWindow(NOON, 3600)
    assert [window.open(NOON + part * HOUR) for part in (-0.001, 0.0, 0.999, 1.0)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-05-04T12:00:00Z", 12), ("2026-05-04T12:00:00+02:00", 10), ("2026-05-04T12:00:00.5-01:30", 13)],
)
def test_a_time_may_have_any_offset(text: str, hour: int) -> None:
    window = MaintenanceWindow.of({"MaintenanceWindowStartTime": text, "MaintenanceWindowDurationInSeconds": 5})
    assert (window.start.tzinfo, window.start.hour, window.start.microsecond) == (UTC, hour, 0)
    assert MaintenanceWindow.of(window.to_json()) == window


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[PluginSetup]:
    database = Database(f"sqlite:///{tmp_path}/isthmus.db")
    metadata.create_all(database.engine)
    properties = SwordfishPlugin.settings_schema["properties"]
    settings = {name: one["default"] for name, one in properties.items()}
    yield cast(PluginSetup, SimpleNamespace(records=OwnedRecords(database, "plugin:swordfish"), settings=settings))
    database.close()


def test_what_was_set_counts_until_it_is_over(setup: PluginSetup) -> None:
    windows, others = TenantWindows(setup), TenantWindows(setup)
    wanted = MaintenanceWindow(NOON, 3600)
    assert windows.get("blue", NOON).window == MaintenanceWindow(NOON.replace(hour=2, day=5), 14400)
    windows.set("blue", wanted, if_version=0)
    assert others.get("blue", NOON - HOUR).window == others.get("blue", NOON).window == wanted
    assert others.get("blue", NOON + HOUR).window.seconds == 14400
    assert others.get("green", NOON).window.seconds == 14400
    record = setup.records.get("settings", "maintenance-window.blue")
    assert record is not None and record.tenant == "blue"
    with pytest.raises(Stale):
        others.set("blue", wanted, if_version=0)
    others.set("blue", None, if_version=1)
    assert windows.get("blue", NOON).window.seconds == 14400


def test_what_is_shown_follows_a_change_at_once_where_it_was_made(setup: PluginSetup) -> None:
    windows = TenantWindows(setup)
    before = windows.support("blue")
    assert windows.support("blue") is before
    windows.set("blue", MaintenanceWindow(now() + HOUR, 77))
    assert windows.support("blue")["MaintenanceWindowDurationInSeconds"] == 77
    assert windows.support("green")["MaintenanceWindowDurationInSeconds"] == 14400


@pytest.mark.parametrize(
    "change",
    [
        changes.create_volume(VolumeRequest("n", 5, "gold")),
        changes.create_volume(VolumeRequest("n", source_volume="v")),
        changes.create_volume(VolumeRequest("n", source_snapshot="s")),
        changes.create_snapshot(SnapshotRequest("v", "n")),
        changes.change_volume("v", size=5, name="n", if_version=3),
        changes.change_volume("v", size=None, name="n", if_version=3),
        changes.change_snapshot("s", name="n", if_version=None),
        changes.delete_volume("v", 3),
        changes.delete_snapshot("s"),
    ],
    ids=lambda change: f"{change.kind} of {change.resource}",
)
def test_a_change_is_asked_for_alike_now_and_later(change: Change) -> None:
    assert change.kind in KINDS
    now_asked, later_asked = Recorder(), Recorder()
    for one, recorder in ((change, now_asked), (Change.of(change.to_json()), later_asked)):
        one.begin(cast(Any, recorder), key="k")
        one.finish(cast(Any, recorder))
    assert now_asked.calls == later_asked.calls != []
    versions = [call[-1]["if_version"] for call in now_asked.calls if "if_version" in call[-1]]
    assert versions.count(3) <= 1, "the second of two changes under one version could never be made"


class Recorder:
    """A storage system that notes what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.place = ""

    def __getattr__(self, name: str) -> Any:
        if name in ("volumes", "snapshots"):
            self.place = name
            return self
        place = self.place
        return lambda *given, **named: self.calls.append((place, name, given, named))


def _later(state: OperationState, **said: Any) -> Operation:
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": "swordfish.volume.create",
        "resource_type": "volume",
        "resource": "",
        "tenant": "blue",
        "user": "somebody",
        "request_id": "req-1",
        "state": state,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Operation(**values | said)


BEGUN = {"begun": {"at": time_text(NOON + HOUR), "operation": "child", "resource": "r"}}


def _request(child: Operation | None) -> Request:
    def get(wanted: str) -> Operation:
        if child is None or wanted != "child":
            raise NotFound("not there")
        return child

    return cast(Request, SimpleNamespace(storage=SimpleNamespace(operations=SimpleNamespace(get=get))))


@pytest.mark.parametrize("state", [OperationState.RUNNING, OperationState.PENDING])
def test_what_was_not_begun_is_pending(state: OperationState) -> None:
    shown = seen(_later(state, result={"start": "x"}), _request(None))
    assert (shown.kind, shown.state, waits(shown)) == ("volume.create", OperationState.PENDING, True)


@pytest.mark.parametrize("state", list(OperationState))
def test_what_was_begun_is_as_what_does_it(state: OperationState) -> None:
    child = _later(state, kind="volume.create", error={"code": "internal"}, progress=0.5, undoing=True)
    shown = seen(_later(OperationState.WAITING, result=BEGUN), _request(child))
    assert (shown.state, shown.error, shown.progress, shown.undoing) == (state, child.error, 0.5, True)
    assert (shown.resource, shown.created_at, waits(shown)) == ("r", NOON + HOUR, False)


@pytest.mark.parametrize("state", [state for state in OperationState if state.ended])
def test_what_has_ended_is_told_without_asking_for_anything_else(state: OperationState) -> None:
    shown = seen(_later(state, result=BEGUN), _request(None))
    assert (shown.state, shown.resource) == (state, "r")
    missed = seen(_later(state), _request(None))
    assert (missed.state, waits(missed)) == (state, False)


def test_a_cancel_that_came_too_late_is_no_cancel() -> None:
    operation = _later(OperationState.CANCELLED, error={"code": "cancelled"}, result={**BEGUN, "done": True})
    shown = seen(operation, _request(None))
    assert (shown.state, shown.error) == (OperationState.DONE, None)


def test_any_other_operation_is_what_it_is() -> None:
    operation = _later(OperationState.RUNNING, kind="volume.create")
    assert seen(operation, _request(None)) is operation
