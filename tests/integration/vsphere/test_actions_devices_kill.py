"""A real server is killed with SIGKILL in each step around raw devices, reclaiming and rescanning: it converges."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.plugins.vsphere.actions.declared.rdm_add import RDM_ADD
from isthmus.plugins.vsphere.actions.declared.rdm_remove import RDM_REMOVE
from isthmus.plugins.vsphere.actions.declared.reclaim import RECLAIM
from isthmus.plugins.vsphere.actions.declared.rescan import RESCAN
from isthmus.plugins.vsphere.connection.vmodl import vim
from tests.integration.vsphere.actions_site import GIB
from tests.integration.vsphere.test_actions_kill import Place, place
from tests.simulators.vcenter.objects.host_system import HostSystem
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.storage.lookup import storage_of

__all__ = ["place"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NEW: dict[str, Any] = {"name": "oracle", "size": 64 << 20, "profile": "shared"}
_RAW: Any = vim.vm.device.VirtualDisk.RawDiskMappingVer1BackingInfo


@pytest.fixture
def machine(place: Place) -> VirtualMachine:
    """`payroll`, with one disk, on the datastore `gold`, which both hosts have."""
    place.do("provision", "cluster-1", name="gold", size=2 * GIB, profile="shared")
    host = place.vc.model.every(HostSystem)[0]
    made = VirtualMachine(place.vc, "payroll", host, place.vc.named("gold"), (1 << 20,))
    for store in made.written():
        store.save()
    return made


def raw(place: Place, machine: VirtualMachine) -> list[int]:
    """The keys of the machine's raw disks. Each has a volume that both hosts see, and besides there is the
    datastore's; of no other anything is left."""
    found = [each for each in machine.disks() if isinstance(each.backing, _RAW)]
    count = len(found) + 1
    assert len(place.site.call("GET", "volumes")["items"]) == count
    assert len(place.site.call("GET", "attachments")["items"]) == 2 * count
    for host in place.vc.model.every(HostSystem):
        storage = storage_of(host)
        assert len(storage.disks) == len(storage.adapter.statics) == count
        assert {each.backing.lunUuid for each in found} <= {each.uuid for each in storage.disks.values()}
    mappings = [path for path in place.vc.named("gold").files.all if path.endswith(".vmdk")]
    assert len(mappings) == count
    return [int(each.key) for each in found]


def test_raw_devices_survive_a_death_in_each_step(place: Place, machine: VirtualMachine) -> None:
    forward, backward = ["announce", *RDM_ADD.steps], ["announce", *RDM_REMOVE.steps]
    for number in range(max(len(forward), len(backward))):
        there, back = forward[number % len(forward)], backward[number % len(backward)]
        place.die_in("rdm-add", f"{there} do", "payroll", **NEW)
        (key,) = raw(place, machine)
        place.die_in("rdm-remove", f"{back} do", "payroll", disk=key, delete_volume=True)
        assert raw(place, machine) == []


def test_the_way_back_of_raw_devices_survives_a_death_in_each_step(place: Place, machine: VirtualMachine) -> None:
    for step, undo in RDM_ADD.steps.items():
        if undo is not None:
            place.die_in("rdm-add", f"{step} undo", "payroll", fails="read_back", **NEW)
            assert raw(place, machine) == []
    place.do("rdm-add", "payroll", **NEW)
    (key,) = raw(place, machine)
    for step in ("unmap", "let_go"):
        place.die_in("rdm-remove", f"{step} undo", "payroll", fails="let_go", disk=key)
        assert raw(place, machine) == [key]


def test_reclaiming_and_rescanning_survive_a_death_in_each_step(place: Place, machine: VirtualMachine) -> None:
    uuid = place.vc.named("gold").uuid

    def bandwidths() -> set[int | None]:
        hosts = place.vc.model.every(HostSystem)
        return {storage_of(host).volumes.known[uuid].unmap_bandwidth for host in hosts}

    for number, step in enumerate(("announce", *RECLAIM.steps), start=1):
        place.die_in("reclaim", f"{step} do", "gold", automatic="fixed", bandwidth=100 * number)
        assert bandwidths() == {100 * number}
    before = bandwidths()
    place.die_in("reclaim", "set undo", "gold", fails="unmap", automatic="none")
    assert bandwidths() == before
    for step in ("announce", *RESCAN.steps):
        place.die_in("rescan", f"{step} do", "cluster-1")
    assert raw(place, machine) == []
