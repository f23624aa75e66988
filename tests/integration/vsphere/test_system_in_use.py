"""A storage system stays what it is called, and there, while operations work with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from isthmus.core.errors import InUse, IsthmusError
from isthmus.core.model.backend import Health
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.system import System, SystemState
from isthmus.core.store import nouns
from isthmus.plugin_manager.action import Call
from isthmus.plugins.vsphere.inventory.watch import Watches
from isthmus.plugins.vsphere.reasons import said
from isthmus.plugins.vsphere.systems.adapters import Form
from isthmus.plugins.vsphere.systems.datastores import Datastores
from isthmus.plugins.vsphere.systems.declared import REMOVE
from isthmus.plugins.vsphere.systems.storage_systems import StorageSystems
from isthmus.plugins.vsphere.views.asking import Asking
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, ActionSite

CLUSTER = "cluster-1"
VOLUME: dict[str, Any] = {"name": "gold", "size": 2 * GIB, "profile": "shared", "system": "far"}


@pytest.fixture
def systems(site: ActionSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageSystems]:
    """Those of the installation, with one called `far` that is reached as long as it is kept."""
    database, moment = site.array.engine.database, now()
    far = System(new_id(), "far", "remote", None, SystemState.ENABLED, Health.UNKNOWN, moment, moment)
    database.change(lambda tx: nouns.systems.insert(tx, far))

    def reached() -> dict[str, Any]:
        with database.read() as tx:
            known = nouns.systems.where(tx)
        return {"local": site.adapter, **{each.name: site.adapter for each in known}}

    monkeypatch.setattr(site.offered.stage, "_systems", reached)
    watches = Watches(site.offered.desk.reaches)
    watches.inventory(site.vc.guid).complete(20)
    datastores = Datastores(site.offered.desk.reaches, watches, Asking(reached))
    yield StorageSystems(lambda: site.adapter, Form(()), datastores.on)
    watches.close()
    database.change(lambda tx: nouns.systems.delete(tx, far.id))


def tried(site: ActionSite, systems: StorageSystems) -> list[IsthmusError]:
    """What is answered to everybody who would take the system away just now."""
    wanted: list[tuple[Callable[[Call], Any], dict[str, Any]]] = [
        (systems.remove, {}),
        (systems.edit, {"name": "near"}),
        (systems.edit, {"enabled": False}),
    ]
    found: list[IsthmusError] = []
    for does, given in wanted:
        with pytest.raises(InUse) as caught:
            does(Call(site.root, None, {"system": "far", **given}))
        found.append(caught.value)
    return found


@pytest.mark.parametrize(("step", "after"), [("volume", True), ("scan", False)])
def test_it_cannot_be_taken_from_an_operation_that_works_with_it(
    site: ActionSite, systems: StorageSystems, step: str, after: bool
) -> None:
    told: list[IsthmusError] = []

    def around(work: Any) -> Any:
        def watched(run: Any) -> Any:
            outcome = work(run) if after else None
            told.extend(() if told else tried(site, systems))
            return outcome if after else work(run)

        return watched

    with site.changed("vsphere.provision", step, around):
        operation = site.act("provision", CLUSTER, **VOLUME)
    assert operation.state == "done", operation.error
    assert len(told) == 3 and all(operation.id in each.message and each.next_step for each in told)
    assert f"Datenspeicher bereitstellen ({operation.id})" in said(told[0].to_json(), "de")
    assert systems.edit(Call(site.root, None, {"system": "far", "enabled": False}))["system"]["state"] == "disabled"
    assert systems.remove(Call(site.root, None, {"system": "far"}))["removed"]


def test_an_operation_whose_system_went_some_other_way_says_under_which_name_it_wants_it_back(
    site: ActionSite, systems: StorageSystems
) -> None:
    database = site.array.engine.database
    with database.read() as tx:
        far = nouns.system_by_name.find(tx, "far")
    assert far is not None

    def gone(run: Any) -> None:
        database.change(lambda tx: nouns.systems.delete(tx, far.id))

    told: list[str] = []

    def around(work: Any) -> Any:
        def watched(run: Any) -> Any:
            try:
                return work(run)
            except IsthmusError as error:
                if not told:
                    told.extend((error.message, error.next_step or ""))
                    database.change(lambda tx: nouns.systems.insert(tx, far))
                raise

        return watched

    with site.changed("vsphere.provision", "attach", around), site.meanwhile("vsphere.provision", "attach", gone):
        operation = site.act("provision", CLUSTER, **VOLUME)
    assert operation.state == "done", operation.error
    assert told == [
        "The storage system far, with which this was begun, is not there.",
        "Add it again under the name far, or enable it, then retry the operation.",
    ]


def test_a_rehearsal_says_which_datastores_would_be_without_it(site: ActionSite, systems: StorageSystems) -> None:
    def planned(name: str) -> Any:
        return systems.plan(REMOVE, Call(site.root, None, {"system": name}))["datastores"]

    assert planned("far") == []
    site.done("provision", CLUSTER, **VOLUME)
    until(lambda: planned("far") == [{"name": "gold", "vcenter": f"127.0.0.1:{site.vc.port}"}])


def test_what_a_system_that_hangs_has_is_left_out(site: ActionSite) -> None:
    never = threading.Event()

    class Hung:
        def storage(self, context: Any) -> Any:
            never.wait(60)
            return site.adapter.storage(context)

    site.done("provision", CLUSTER, **{**VOLUME, "system": "local"})
    reaches = site.offered.desk.reaches
    watches, hung = Watches(reaches), Hung()
    try:
        inventory = watches.inventory(site.vc.guid)
        assert inventory.complete(20) and "gold" in [each.name for each in inventory.all("Datastore")]
        asking = Asking(lambda: {"far": hung}, seconds=0.1)  # type: ignore[dict-item]
        assert Datastores(reaches, watches, asking).on("far") == []
    finally:
        never.set()
        watches.close()
