"""Events, the alarms they raise, custom fields and performance series."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.registry import vim, vmodl

from .plugins import KEY, extension

FULL = f"{KEY}.full"


@pytest.fixture
def store(service: Any) -> Any:
    """The one datastore; the extension with its event type is registered."""
    service.content.extensionManager.RegisterExtension(extension())
    return client.view(service, vim.Datastore).view[0]


def post(service: Any, store: Any, kind: str = FULL, message: str | None = None) -> None:
    """An event, with an argument, as an extension posts it."""
    found = vim.event.EventEx(
        eventTypeId=kind,
        objectId=store._moId,
        objectType=vim.Datastore,
        message=message,
        arguments=[vmodl.KeyAnyValue(key="percent", value="91")],
    )
    found.key = found.chainId = 0
    found.createdTime = service.CurrentTime()
    found.userName = ""
    service.content.eventManager.PostEvent(found, None)


def test_an_event_gets_the_registered_text(service: Any, store: Any) -> None:
    post(service, store)
    spec = vim.event.EventFilterSpec(eventTypeId=[FULL])
    (found,) = service.content.eventManager.QueryEvents(spec)
    assert found.fullFormattedMessage == "datastore-001 is 91 percent full"
    assert (found.userName, found.ds.name, found.datacenter.name) == (
        "VSPHERE.LOCAL\\administrator",
        "datastore-001",
        "Datacenter",
    )
    assert service.content.eventManager.latestEvent.key == found.key


def test_an_event_of_no_registered_type_keeps_its_own_text(service: Any, store: Any) -> None:
    post(service, store, kind="org.example.other", message="something happened")
    (found,) = service.content.eventManager.QueryEvents(vim.event.EventFilterSpec(eventTypeId=["org.example.other"]))
    assert found.fullFormattedMessage == "something happened"


def test_events_are_found_by_entity_and_read_in_pages(service: Any, store: Any) -> None:
    manager = service.content.eventManager
    (host, *_) = client.view(service, vim.HostSystem).view
    for number in range(3):
        manager.LogUserEvent(store, f"note {number}")
    manager.LogUserEvent(host, "of a host")
    entity = vim.event.EventFilterSpec.ByEntity(entity=store, recursion="self")
    spec = vim.event.EventFilterSpec(entity=entity)
    assert [each.message for each in manager.QueryEvents(spec)] == ["note 0", "note 1", "note 2"]
    everything = vim.event.EventFilterSpec.ByEntity(entity=service.content.rootFolder, recursion="all")
    assert len(manager.QueryEvents(vim.event.EventFilterSpec(entity=everything))) == 4
    collector = manager.CreateCollectorForEvents(spec)
    assert [each.message for each in collector.ReadNextEvents(2)] == ["note 0", "note 1"]
    assert [each.message for each in collector.ReadNextEvents(2)] == ["note 2"]
    assert [each.message for each in collector.latestPage] == ["note 2", "note 1", "note 0"]


def test_only_what_users_may_post_is_posted(service: Any, store: Any) -> None:
    made = vim.event.UserLoginSessionEvent(ipAddress="", locale="", sessionId="", userAgent="")
    made.createdTime, made.userName, made.key, made.chainId = service.CurrentTime(), "x", 0, 0
    with pytest.raises(vim.fault.InvalidEvent):
        service.content.eventManager.PostEvent(made, None)


def alarm(service: Any, entity: Any, name: str = "full") -> Any:
    """Red above, green below."""
    expressions = [
        vim.alarm.EventAlarmExpression(
            eventType=vim.event.EventEx, eventTypeId=kind, objectType=vim.Datastore, status=status
        )
        for kind, status in ((FULL, "red"), (f"{KEY}.well", "green"))
    ]
    spec = vim.alarm.AlarmSpec(
        name=name, description="", enabled=True, expression=vim.alarm.OrAlarmExpression(expression=expressions)
    )
    return service.content.alarmManager.CreateAlarm(entity, spec)


def test_an_event_colours_its_entity_and_the_next_one_clears_it(service: Any, store: Any) -> None:
    raised = alarm(service, service.content.rootFolder)
    post(service, store)
    assert store.overallStatus == "red"
    (state,) = store.triggeredAlarmState
    assert (state.alarm._moId, state.acknowledged) == (raised._moId, False)
    assert [each.key for each in service.content.rootFolder.triggeredAlarmState] == [state.key]
    assert service.content.rootFolder.overallStatus == "green"
    post(service, store, kind=f"{KEY}.well")
    assert (store.overallStatus, list(store.triggeredAlarmState)) == ("green", [])


def test_an_alarm_is_acknowledged(service: Any, store: Any) -> None:
    raised = alarm(service, store)
    post(service, store)
    service.content.alarmManager.AcknowledgeAlarm(raised, store)
    (state,) = store.triggeredAlarmState
    assert (state.acknowledged, state.acknowledgedByUser) == (True, "VSPHERE.LOCAL\\administrator")
    assert store.overallStatus == "red"


def test_an_alarm_that_is_removed_takes_its_colour_along(service: Any, store: Any) -> None:
    raised = alarm(service, store)
    with pytest.raises(vim.fault.DuplicateName):
        alarm(service, store)
    post(service, store)
    assert [each._moId for each in service.content.alarmManager.GetAlarm(store)] == [raised._moId]
    raised.RemoveAlarm()
    assert (store.overallStatus, list(store.triggeredAlarmState)) == ("green", [])
    assert list(service.content.alarmManager.GetAlarm(None)) == []


def test_an_alarm_wakes_who_waits_for_the_status(service: Any, store: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.object_spec([store], vim.Datastore, ["overallStatus"]), False)
    version = collector.WaitForUpdatesEx("", None).version
    alarm(service, store)
    post(service, store)
    update = collector.WaitForUpdatesEx(version, None)
    assert [(each.name, each.val) for each in update.filterSet[0].objectSet[0].changeSet] == [("overallStatus", "red")]


def test_custom_fields_are_defined_set_and_removed(service: Any, store: Any) -> None:
    manager = service.content.customFieldsManager
    made = manager.AddCustomFieldDef("profile", vim.Datastore, None, None)
    with pytest.raises(vim.fault.DuplicateName):
        manager.AddCustomFieldDef("profile", vim.Datastore, None, None)
    manager.SetField(store, made.key, "gold")
    assert [(each.key, each.value) for each in store.customValue] == [(made.key, "gold")]
    assert [each.name for each in store.availableField] == ["profile"]
    store.setCustomValue("profile", "silver")
    assert [each.value for each in store.value] == ["silver"]
    manager.RemoveCustomFieldDef(made.key)
    assert (list(store.customValue), list(manager.field)) == ([], [])
    with pytest.raises(vim.fault.NotFound):
        manager.SetField(store, made.key, "gold")


def test_a_series_that_was_put_in_is_read(vc: VCenter, service: Any, store: Any) -> None:
    manager = service.content.perfManager
    vc.performance.put(vc.named("datastore-001"), "datastore.totalReadLatency.average", [3, 4, 5])
    (metric,) = manager.QueryAvailablePerfMetric(store)
    (counter,) = manager.QueryPerfCounter([metric.counterId])
    assert (counter.groupInfo.key, counter.nameInfo.key) == ("datastore", "totalReadLatency")
    spec = vim.PerformanceManager.QuerySpec(entity=store, metricId=[metric], intervalId=20, maxSample=2)
    (found,) = manager.QueryPerf([spec])
    assert list(found.value[0].value) == [4, 5]
    first, second = (each.timestamp for each in found.sampleInfo)
    assert (second - first).total_seconds() == 20
    spec.format = "csv"
    assert manager.QueryPerf([spec])[0].value[0].value == "4,5"
