"""One flow at a time on a datastore; what is decided is decided in the session of whoever asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from isthmus.core.errors import KeyReused, Occupied
from isthmus.core.journal.step import Run
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store import schema
from isthmus.plugins.vsphere.reasons import said
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, ActionSite, message, refused
from tests.integration.vsphere.test_actions_provision import CLUSTER, HOST, wanted


@contextmanager
def held(site: ActionSite, kind: str, step: str) -> Iterator[list[bool]]:
    """A step that waits until it is let go: set the one entry of the list."""
    flows = site.array.engine.parts.flows._flows
    flow, go = flows[kind, 1], [False]

    def around(work: Any) -> Any:
        def waiting(run: Run) -> Any:
            until(lambda: go[0], 30)
            return work(run)

        return waiting

    steps = tuple(replace(each, do=around(each.do)) if each.name == step else each for each in flow.steps)
    flows[kind, 1] = replace(flow, steps=steps)
    try:
        yield go
    finally:
        go[0] = True
        flows[kind, 1] = flow


@pytest.fixture
def gold(site: ActionSite) -> str:
    """The volume of the datastore `gold`, which both hosts have."""
    return str(site.done("provision", CLUSTER, **wanted(profile="shared"))["volume"])


def test_while_one_is_at_work_another_is_refused_with_what_is_going_on(site: ActionSite, gold: str) -> None:
    with held(site, "vsphere.expand", "examine") as go:
        first = site.begin("expand", "gold", size=3 * GIB)
        with pytest.raises(Occupied) as caught:
            site.begin("delete", "gold")
        assert "Expand" in caught.value.message and caught.value.details["operation"] == first.id
        assert "Datenspeicher vergrößern" in said(caught.value.to_json(), "de")
        assert site.begin("provision", HOST, **wanted(name="silver")).state.live, "other objects are free"
        go[0] = True
        assert site.ended(first).state == "done"
    site.done("delete", "gold")


def test_of_two_that_were_accepted_at_once_the_first_goes_on(site: ActionSite, gold: str) -> None:
    site.offered.desk._exclusion = replace_free(site)
    with held(site, "vsphere.expand", "examine") as go:
        first = site.begin("expand", "gold", size=3 * GIB)
        second = site.begin("delete", "gold")
        found = site.ended(second)
        assert found.state == "failed" and first.id in message(found)
        go[0] = True
        assert site.ended(first).state == "done"


def replace_free(site: ActionSite) -> Any:
    """As if both had been accepted before either was to be seen."""

    class Open:
        def demand_free(self, *given: Any) -> None:
            return None

    return Open()


def test_one_that_waits_for_a_person_keeps_others_away(
    site: ActionSite, gold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = site.array.engine.parts.journal._station
    monkeypatch.setattr(station, "retries", replace(station.retries, patience=0.0))
    with site.failing("vsphere.expand", "read_back", times=1 << 10):
        first = site.begin("expand", "gold", size=3 * GIB)
        until(lambda: site.operation(first).state is OperationState.NEEDS_ATTENTION, 60)
    with refused(Occupied, "waits for a person.*Retry it or give it up"):
        site.begin("delete", "gold")
    site.array.engine.operations.retry(site.root, first.id)
    assert site.ended(first).state == "done"
    site.done("delete", "gold")


def test_the_same_again_is_no_other(site: ActionSite, gold: str) -> None:
    with held(site, "vsphere.expand", "examine") as go:
        call = site.call("gold", {"size": 3 * GIB}, key="once")
        first = site.catalogue.invoke("vsphere", "expand", call)
        again = site.catalogue.invoke("vsphere", "expand", call)
        assert first.id == again.id  # type: ignore[union-attr]
        go[0] = True
        site.ended(first)  # type: ignore[arg-type]


def test_a_key_used_for_something_else_leaves_the_running_operation_its_session(site: ActionSite) -> None:
    with held(site, "vsphere.provision", "volume") as go:
        operation = site.catalogue.invoke("vsphere", "provision", site.call(HOST, wanted(), key="once"))
        assert isinstance(operation, Operation)
        with pytest.raises(KeyReused):
            site.catalogue.invoke("vsphere", "provision", site.call(HOST, wanted(name="other"), key="once"))
        table = schema.operations
        with site.array.engine.parts.database.read() as tx:
            data = tx.execute(select(table.c.data).where(table.c.id == operation.id)).scalar_one()
        endpoint = site.offered.desk.reaches.get(site.vc.guid).vcenter.endpoint
        connection, who = site.offered.stage._sealed.resume(str(data["session"]), endpoint)
        connection.close()
        assert who.user
        go[0] = True
        assert site.ended(operation).state == "done"


def test_what_is_meant_is_not_found_out_as_the_service_account(site: ActionSite) -> None:
    before = site.footprint()
    with held(site, "vsphere.provision", "volume") as go:
        operation = site.begin("provision", CLUSTER, **wanted(profile="shared"))
        for each in site.vc.sessions.all():
            site.vc.sessions.close(each)
        go[0] = True
        found = site.ended(operation)
    assert found.state == "failed" and "session at vCenter" in message(found)
    assert site.footprint() == before
