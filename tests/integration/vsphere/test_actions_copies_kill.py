"""A real server is killed with SIGKILL in each step of what copies a datastore and puts it back: it converges, and no
machine keeps anything of it."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.plugins.vsphere.actions.declared.clone import CLONE
from isthmus.plugins.vsphere.actions.declared.restore import RESTORE
from isthmus.plugins.vsphere.actions.declared.snapshot import SNAPSHOT
from isthmus.plugins.vsphere.actions.declared.snapshot_delete import SNAPSHOT_DELETE
from tests.integration.vsphere.actions_site import GIB, datastores
from tests.integration.vsphere.machines_site import points
from tests.integration.vsphere.test_actions_kill import Place, place
from tests.simulators.vcenter.objects.host_system import HostSystem
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.storage.lookup import storage_of

__all__ = ["place"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def furnished(place: Place, *, on: bool) -> VirtualMachine:
    """A datastore with a machine."""
    place.do("provision", "cluster-1", name="gold", size=2 * GIB, profile="shared")
    store = place.vc.named("gold")
    made = VirtualMachine(place.vc, "payroll", place.vc.model.every(HostSystem)[0], store, (1 << 20,))
    for each in made.written():
        each.save()
    if on:
        made.power("poweredOn")
    return made


def payroll(place: Place) -> VirtualMachine:
    (only,) = [each for each in place.vc.model.every(VirtualMachine) if each.name == "payroll"]
    return only


def write(place: Place, text: str) -> None:
    payroll(place).guest_writes(text)
    place.vc.named("gold").save()


def snapshots(place: Place) -> list[str]:
    return [each["name"] for each in place.site.call("GET", "snapshots")["items"]]


def at_rest(place: Place) -> None:
    """Nothing of ours is left on the machine."""
    made = payroll(place)
    assert points(made) == [] and not made.get("runtime.consolidationNeeded")


def alone(place: Place) -> None:
    """There is the one datastore, on its one volume, and nothing of another."""
    assert sorted(each.name for each in datastores(place.vc)) == ["datastore-001", "gold"]
    assert len(place.site.call("GET", "volumes")["items"]) == 1 and snapshots(place) == []
    assert len(place.site.call("GET", "attachments")["items"]) == 2
    for host in place.vc.model.every(HostSystem):
        storage = storage_of(host)
        assert len(storage.disks) == len(storage.adapter.statics) == len(storage.volumes.known) == 1
    at_rest(place)


def test_snapshots_survive_a_death_in_each_step(place: Place) -> None:
    furnished(place, on=True)
    names = []
    for step in ("announce", *SNAPSHOT.steps):
        place.die_in("snapshot", f"{step} do", "gold", name=step)
        at_rest(place)
        names.append(step)
        assert sorted(snapshots(place)) == sorted(names), "exactly one for each"
    for step, undo in SNAPSHOT.steps.items():
        if undo is not None:
            place.die_in("snapshot", f"{step} undo", "gold", fails="take", name="undone")
            at_rest(place)
            assert "undone" not in snapshots(place)
    for step in ("announce", *SNAPSHOT_DELETE.steps):
        place.die_in("snapshot-delete", f"{step} do", "gold", snapshot=names.pop())
        assert sorted(snapshots(place)) == sorted(names)


def test_clones_survive_a_death_in_each_step(place: Place) -> None:
    furnished(place, on=True)
    for step in ("announce", *CLONE.steps):
        place.die_in("clone", f"{step} do", "gold", name="copy")
        assert sorted(each.name for each in datastores(place.vc)) == ["copy", "datastore-001", "gold"]
        assert snapshots(place) == []
        place.do("delete", "copy")
        alone(place)


def test_the_way_back_of_a_clone_survives_a_death_in_each_step(place: Place) -> None:
    furnished(place, on=True)
    for step, undo in CLONE.steps.items():
        if undo is not None:
            place.die_in("clone", f"{step} undo", "gold", fails="read_back", name="copy")
            alone(place)


def restored(place: Place, text: str) -> None:
    (store,) = [each for each in datastores(place.vc) if each.name == "gold"]
    assert [each.mountInfo.accessible for each in store.get("host")] == [True, True]
    assert payroll(place).guest_reads() == text
    at_rest(place)


def test_restores_survive_a_death_in_each_step(place: Place) -> None:
    given: dict[str, Any] = {"snapshot": "monday"}
    furnished(place, on=True)
    write(place, "monday")
    place.do("snapshot", "gold", name="monday")
    payroll(place).power("poweredOff")
    for step in ("announce", *RESTORE.steps):
        write(place, "tuesday")
        place.die_in("restore", f"{step} do", "gold", **given)
        restored(place, "monday")
    write(place, "tuesday")
    for step, undo in RESTORE.steps.items():
        if undo is not None:
            place.die_in("restore", f"{step} undo", "gold", fails="rehearse", **given)
            restored(place, "tuesday")
