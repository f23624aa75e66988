"""The alarms are defined by registering, kept as administrators made them, mended by doctor, and taken away."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.events.alarms import DEFINITIONS
from tests.integration.vsphere.conftest import Installation, extension, registration, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter, client
from tests.simulators.vcenter.objects.alarm import Alarm

pytestmark = pytest.mark.server


def alarms(vc: VCenter) -> dict[str, Any]:
    """AlarmInfo by name."""
    return {str(each.get("info").name): each.get("info") for each in vc.model.every(Alarm)}


def examined(installation: Installation, vc: VCenter, **given: Any) -> dict[str, Any]:
    (found,) = installation.done("doctor", vcenter=vc.guid, **given)["vcenters"]
    return dict(found)


def finding(found: dict[str, Any], check: str = "alarms") -> dict[str, Any]:
    (only,) = [each for each in found["findings"] if each["check"] == check]
    return dict(only)


def test_registering_defines_them_once_and_unregistering_takes_them_away(
    installation: Installation, vc: VCenter
) -> None:
    installation.register(vc)
    made = alarms(vc)
    assert len(made) == len(DEFINITIONS)
    assert installation.register(vc)["outcome"] == "unchanged"
    assert alarms(vc).keys() == made.keys()
    kinds = {each.eventTypeId for info in made.values() for each in info.expression.expression}
    declared = {each.eventID for each in extension(vc).eventList}
    assert kinds < declared, "what an alarm hears is a registered type of event"
    stranger = client.connect(vc).content
    spec = vim.alarm.AlarmSpec(
        name="Somebody's",
        description="",
        enabled=True,
        expression=vim.alarm.EventAlarmExpression(eventType=vim.event.VmPoweredOnEvent),
    )
    stranger.alarmManager.CreateAlarm(stranger.rootFolder, spec)
    installation.done("unregister", vcenter=vc.guid)
    assert list(alarms(vc)) == ["Somebody's"]


def test_what_was_removed_or_bent_is_found_and_mended_and_what_an_administrator_chose_stays(
    installation: Installation, vc: VCenter
) -> None:
    installation.register(vc)
    assert finding(examined(installation, vc))["level"] == "ok"
    known = {str(each.get("info").name): each for each in vc.model.every(Alarm)}
    gone, bent = "Isthmus: volume behind a datastore", "Isthmus: room in the pool behind a datastore"
    content = client.connect(vc).content
    by_id = {each._moId: each for each in content.alarmManager.GetAlarm(content.rootFolder)}
    by_id[known[gone].moid].RemoveAlarm()
    info = known[bent].get("info")
    half = vim.alarm.OrAlarmExpression(expression=info.expression.expression[:1])
    by_id[known[bent].moid].ReconfigureAlarm(
        vim.alarm.AlarmSpec(name="Our room", description="mine", enabled=False, expression=half)
    )
    wrong = finding(examined(installation, vc))
    assert wrong["level"] == "error"
    assert gone in wrong["text"] and "'Our room' hears something else" in wrong["text"]
    found = examined(installation, vc, repair=True)
    assert finding(found)["level"] == "ok" and len(found["repaired"]) == 2
    kept = alarms(vc)["Our room"]
    assert (kept.enabled, kept.description, len(kept.expression.expression)) == (False, "mine", 3)
    assert len(alarms(vc)) == len(DEFINITIONS)


def test_who_may_not_define_alarms_registers_all_the_same_and_is_told(installation: Installation) -> None:
    few = Role("Registrars", ("Extension.Register", "Extension.Update", "Extension.Unregister"))
    registrar = User("registrar@vsphere.local", "Secret-5", (Grant(few.name),))
    with VCenter(specification(registrar, roles=(few,))) as vc:
        given = {**registration(vc), "user": registrar.name, "password": registrar.password}
        answer = installation.done("register", **given)
        (told,) = [each for each in answer["findings"] if each["check"] == "alarms"]
        assert (told["level"], alarms(vc)) == ("warning", {}) and "Alarm.Create" in told["text"]
        assert finding(examined(installation, vc, repair=True))["level"] == "ok", "the service account may"
