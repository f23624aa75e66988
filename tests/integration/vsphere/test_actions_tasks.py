"""Every operation is a task of its vCenter from its first step to its end, and its session ends with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from isthmus.core.errors import Forbidden, IsthmusError
from isthmus.core.model.operation import Operation
from isthmus.core.model.record import Record, Records
from isthmus.plugins.vsphere.connection.errors import LoginRefused, PrivilegeMissing, Unreachable
from isthmus.plugins.vsphere.connection.sealed_sessions import SealedSessions
from isthmus.plugins.vsphere.connection.vmodl import vim, vmodl
from isthmus.plugins.vsphere.tasks import ended_sessions
from isthmus.plugins.vsphere.tasks.mirror import Mirror
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, GIB, ActionSite, Beat, action_site, message, refused
from tests.integration.vsphere.test_exclusion import held, replace_free
from tests.simulators.vcenter import Role

CLUSTER = "cluster-1"
FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"
PROFILE = {"size": 2 * GIB, "profile": "shared"}


def without(*privileges: str) -> Role:
    """Storage provisioners who lack these."""
    return Role(FULL.name, tuple(each for each in FULL.privileges if each not in privileges))


def settled(site: ActionSite) -> int:
    """How many sessions the vCenter has once the plug-in has its own."""
    site.done("rescan", FIRST)
    return len(site.vc.sessions.all())


@pytest.fixture
def impatient(site: ActionSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be taken back needs a person as soon as it fails."""
    station = site.array.engine.parts.journal._station
    monkeypatch.setattr(station, "retries", replace(station.retries, patience=0.0))


def stuck(site: ActionSite, operation: Operation) -> Operation:
    """The operation when it needs a person, told to its task."""
    until(lambda: site.operation(operation).state == "needs_attention", 60)
    return site.ended(operation)


@pytest.mark.parametrize("privilege", ["Task.Create", "Task.Update"])
def test_whoever_may_make_no_tasks_is_told_so_before_anything_is_begun(array: Array, privilege: str) -> None:
    with action_site(array, role=without(privilege)) as site:
        sessions = len(site.vc.sessions.all())
        for ask in (
            lambda: site.begin("rescan", CLUSTER),
            lambda: site.catalogue.plan("vsphere", "rescan", site.call(CLUSTER)),
        ):
            with refused(Forbidden, rf"lack {privilege} on {CLUSTER}.*Ask an administrator"):
                ask()
        assert not site.records.list("session") and len(site.vc.sessions.all()) == sessions


def test_a_session_ends_with_an_operation_that_never_became_a_task(site: ActionSite) -> None:
    sessions = settled(site)
    for _ in range(3):
        site.vc.trouble("CreateTask", fault=vim.fault.NoPermission(privilegeId="Task.Create", msg="No"))
        found = site.act("rescan", FIRST)
        assert found.state == "failed" and "Task.Create" in message(found)
        assert not site.records.list("task")
    assert not site.records.list("session") and len(site.vc.sessions.all()) == sessions


def test_a_session_ends_with_an_operation_that_came_second(site: ActionSite) -> None:
    site.done("provision", CLUSTER, name="gold", **PROFILE)
    sessions = settled(site)
    site.offered.desk._exclusion = replace_free(site)
    with held(site, "vsphere.expand", "examine") as go:
        first = site.begin("expand", "gold", size=3 * GIB)
        assert site.act("delete", "gold").state == "failed"
        assert len(site.records.list("session")) == 1, "the first's session lives on"
        go[0] = True
        assert site.ended(first).state == "done"
    assert not site.records.list("session") and len(site.vc.sessions.all()) == sessions


def test_a_session_that_no_operation_was_accepted_for_ends_after_a_while(
    site: ActionSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = settled(site)

    def died(*given: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(site.offered.desk, "_submit", died)
        with pytest.raises(KeyboardInterrupt):
            site.begin("rescan", FIRST)
    site.offered.mirror.look(Beat())
    assert len(site.records.list("session")) == 1, "an operation may still be accepted for it"
    monkeypatch.setattr(ended_sessions, "_UNCLAIMED", timedelta(0))
    site.offered.mirror.look(Beat())
    assert not site.records.list("session") and len(site.vc.sessions.all()) == sessions


def task_of(site: ActionSite, operation: Operation) -> Any:
    """As the vCenter has it, of the operations of one request."""
    (found,) = [each for each in site.tasks(operation) if each.entity._moId in str(operation.resource)]
    return found


@contextmanager
def untellable(site: ActionSite, operation: Operation, fault: Any) -> Iterator[list[str]]:
    """The vCenter answers with this fault whatever is told to the task of an operation; lists what was tried."""
    moid = task_of(site, operation).key
    tried: list[str] = []

    def of_it(receiver: Any, arguments: dict[str, Any]) -> bool:
        if receiver._moId == moid:
            tried.append(moid)
        return bool(receiver._moId == moid)

    for method in ("UpdateProgress", "SetTaskState"):
        site.vc.trouble(method, fault=fault, times=1 << 20, when=of_it)
    yield tried


def test_a_task_that_may_not_be_told_does_not_keep_the_others(site: ActionSite) -> None:
    with held(site, "vsphere.rescan", "scan") as go:
        begun = [site.begin("rescan", FIRST), site.begin("rescan", SECOND)]
        for each in begun:
            until(lambda each=each: site.records.get("task", each.id), 20)  # type: ignore[misc]
        # Tasks are looked at in the order of the operations' ids.
        first, second = sorted(begun, key=lambda each: each.id)
        with untellable(site, first, vim.fault.NoPermission(privilegeId="Task.Update", msg="No")) as tried:
            go[0] = True
            assert [site.ended(each).state for each in (first, second)] == ["done", "done"]
            assert (task_of(site, first).state, task_of(site, second).state) == ("running", "success")
            asked = len(tried)
            site.offered.mirror.look(Beat())
            assert len(tried) == asked > 0, "it is left in peace for a while"
    site.vc.interference.clear()
    site.offered.mirror._later.clear()
    site.offered.mirror.look(Beat())
    assert task_of(site, first).state == "success" and not site.records.list("task")


def test_how_an_operation_goes_on_that_needed_a_person_is_a_task_again(site: ActionSite, impatient: None) -> None:
    site.done("provision", CLUSTER, name="gold", **PROFILE)
    with site.failing("vsphere.expand", "read_back", times=1 << 10):
        operation = site.begin("expand", "gold", size=3 * GIB)
        stuck(site, operation)
    (info,) = site.tasks(operation)
    assert info.state == "error" and "A person must decide" in info.error.msg and operation.id in info.error.msg
    site.array.engine.operations.retry(site.root, operation.id)
    assert site.ended(operation).state == "done"
    assert [each.state for each in site.tasks(operation)] == ["error", "success"]
    assert not site.records.list("task") and not site.records.list("session")


def test_what_is_retried_and_needs_a_person_again_is_told_again(site: ActionSite, impatient: None) -> None:
    site.done("provision", CLUSTER, name="gold", **PROFILE)
    with site.failing("vsphere.expand", "read_back", times=1 << 10):
        operation = site.begin("expand", "gold", size=3 * GIB)
        stuck(site, operation)
        with held(site, "vsphere.expand", "read_back") as go:
            site.array.engine.operations.retry(site.root, operation.id)
            site.offered.mirror.look(Beat())
            assert [each.state for each in site.tasks(operation)] == ["error", "running"]
            go[0] = True
            stuck(site, operation)
    assert [each.state for each in site.tasks(operation)] == ["error", "error"]
    site.array.engine.operations.abandon(site.root, operation.id)
    site.offered.mirror.look(Beat())
    assert len(site.tasks(operation)) == 2 and not site.records.list("task") and not site.records.list("session")


def test_what_had_removed_its_object_when_it_needed_a_person_is_told_at_the_root(
    site: ActionSite, impatient: None
) -> None:
    site.done("provision", CLUSTER, name="gold", **PROFILE)
    with site.failing("vsphere.delete", "detach", after=False, times=1 << 10):
        operation = site.begin("delete", "gold")
        stuck(site, operation)
    site.array.engine.operations.retry(site.root, operation.id)
    assert site.ended(operation).state == "done"
    first, second = site.tasks(operation)
    assert (first.state, second.state) == ("error", "success")
    assert second.entity._moId == site.vc.root.moid


@pytest.mark.parametrize("error", [Unreachable("It is gone."), LoginRefused("Who?"), PrivilegeMissing("No.")])
def test_only_what_concerns_the_whole_vcenter_keeps_its_other_tasks(
    records: Records, monkeypatch: pytest.MonkeyPatch, error: IsthmusError
) -> None:
    nobody: Any = None
    mirror = Mirror(records, nobody, SealedSessions(records), nobody, nobody)
    for number, guid in enumerate(("one", "one", "other")):
        records.put(Record("task", str(number), {"vcenter": guid}))
    asked: list[str] = []

    def tell(record: Record) -> None:
        asked.append(record.id)
        raise error

    monkeypatch.setattr(mirror, "_tell", tell)
    mirror.look(Beat())
    assert asked == (["0", "1", "2"] if isinstance(error, PrivilegeMissing) else ["0", "2"])


def test_a_task_that_somebody_removed_is_no_trouble(site: ActionSite) -> None:
    with held(site, "vsphere.rescan", "scan") as go:
        operation = site.begin("rescan", FIRST)
        until(lambda: site.records.get("task", operation.id), 20)
        gone = vmodl.fault.ManagedObjectNotFound(obj=task_of(site, operation).task)
        with untellable(site, operation, gone):
            go[0] = True
            assert site.ended(operation).state == "done"
    assert not site.records.list("task") and not site.records.list("session")
