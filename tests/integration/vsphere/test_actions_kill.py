"""A real server is killed with SIGKILL in each step of each action and started again: it converges."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.plugins.vsphere.actions.declared.delete import DELETE
from isthmus.plugins.vsphere.actions.declared.expand import EXPAND
from isthmus.plugins.vsphere.actions.declared.mount import MOUNT
from isthmus.plugins.vsphere.actions.declared.protect import PROTECT
from isthmus.plugins.vsphere.actions.declared.provision import PROVISION
from isthmus.plugins.vsphere.actions.declared.unmount import UNMOUNT
from tests.chaos.depth import Site
from tests.environment import iscsi
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, datastores
from tests.integration.vsphere.conftest import registration, specification
from tests.simulators.vcenter import VCenter
from tests.simulators.vcenter.objects.host_system import HostSystem
from tests.simulators.vcenter.storage import libiscsi
from tests.simulators.vcenter.storage.lookup import storage_of

FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"
REASON = iscsi.missing() or libiscsi.missing()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SHARED = {
    "provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}},
    "customProperties": {"capabilities:multiAttach": "<is> true"},
}


class Place:
    """An installation whose server dies, and a vCenter that does not."""

    def __init__(self, site: Site, vc: VCenter) -> None:
        self.site, self.vc = site, vc

    def body(self, on: str, **given: Any) -> dict[str, Any]:
        entity = self.vc.named(on)
        kind = entity.ref._wsdlName
        return {"subject": {"kind": kind, "id": f"urn:vmomi:{kind}:{entity.moid}:{self.vc.guid}"}, "input": given}

    def die_in(self, action: str, step: str, on: str, *, fails: str = "", **given: Any) -> None:
        """Use an action, and kill the server in `step` (with its phase) of it."""
        fails = fails and f"vsphere.{action} {fails}"
        body = self.body(on, **given)
        self.site.die_in(f"vsphere.{action} {step}", "POST", f"actions/vsphere/{action}", body, fails=fails)
        until(lambda: not self._open_tasks(), 20, "a task in the vCenter goes on for ever")

    def do(self, action: str, on: str, **given: Any) -> None:
        self.site.do("POST", f"actions/vsphere/{action}", self.body(on, **given))

    def nothing_left(self) -> None:
        """As if there had never been a datastore."""
        assert not [each.name for each in datastores(self.vc) if each.name == "gold"]
        for what in ("volumes", "attachments"):
            assert not self.site.call("GET", what)["items"]
        for host in self.vc.model.every(HostSystem):
            storage = storage_of(host)
            assert not storage.disks and not storage.adapter.statics

    def capacity(self) -> int:
        """Of the datastore, which all hosts reach."""
        (store,) = [each for each in datastores(self.vc) if each.name == "gold"]
        assert [each.mountInfo.accessible for each in store.get("host")] == [True, True]
        return int(store.get("summary.capacity"))

    def _open_tasks(self) -> list[str]:
        infos = [self.vc.model.of(ref).get("info") for ref in self.vc.tasks.get("recentTask") or []]
        return [each.key for each in infos if each.state not in ("success", "error")]


@pytest.fixture
def place() -> Iterator[Place]:
    if REASON:
        pytest.skip(REASON)
    folder = Path(tempfile.mkdtemp(prefix="isthmus-kill-", dir="/var/tmp"))
    site = Site(folder)
    with VCenter(specification()) as vc:
        try:
            site.start()
            site.furnish()
            site.call("POST", "profiles", {"name": "shared", "properties": SHARED})
            site.call("POST", "actions/vsphere/register", {"input": registration(vc)})
            yield Place(site, vc)
        finally:
            site.close()
            shutil.rmtree(folder, ignore_errors=True)


def test_provision_and_delete_survive_a_death_in_each_step(place: Place) -> None:
    forward, backward = ["announce", *PROVISION.steps], ["announce", *DELETE.steps]
    for number in range(max(len(forward), len(backward))):
        there, back = forward[number % len(forward)], backward[number % len(backward)]
        given: dict[str, Any] = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
        place.die_in("provision", f"{there} do", "cluster-1", **given)
        assert place.capacity() > 2 * GIB - (64 << 20)
        place.die_in("delete", f"{back} do", "gold")
        place.nothing_left()


def test_the_way_back_survives_a_death_in_each_step(place: Place) -> None:
    given: dict[str, Any] = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    for step, undo in PROVISION.steps.items():
        if undo is not None:
            place.die_in("provision", f"{step} undo", "cluster-1", fails="read_back", **given)
            place.nothing_left()


def test_expand_survives_a_death_in_each_step(place: Place) -> None:
    place.do("provision", "cluster-1", name="gold", size=2 * GIB, profile="shared")
    for number, step in enumerate(EXPAND.steps, start=1):
        size = 2 * GIB + number * (256 << 20)
        place.die_in("expand", f"{step} do", "gold", size=size)
        assert place.capacity() > size - (64 << 20)
    place.die_in("expand", "extend undo", "gold", fails="extend", size=4 * GIB)
    assert place.capacity() < 4 * GIB - (64 << 20)
    place.do("expand", "gold", size=4 * GIB)
    assert place.capacity() > 4 * GIB - (64 << 20)


def mounted(place: Place) -> list[str]:
    """The hosts that reach the datastore, by name, and nothing of it is left on the others."""
    (store,) = [each for each in datastores(place.vc) if each.name == "gold"]
    found = []
    for host in place.vc.model.every(HostSystem):
        storage, mount = storage_of(host), store.mount_of(host)
        if mount is None:
            assert not storage.disks and not storage.adapter.statics and not storage.volumes.known
        else:
            assert mount.mounted and mount.accessible
            found.append(str(host.name))
    assert len(place.site.call("GET", "attachments")["items"]) == len(found)
    return found


def test_mount_and_unmount_survive_a_death_in_each_step_and_on_the_way_back(place: Place) -> None:
    place.do("provision", "cluster-1", name="gold", size=2 * GIB, profile="shared", hosts=[FIRST])
    forward, backward = ["announce", *MOUNT.steps], ["announce", *UNMOUNT.steps]
    for number in range(max(len(forward), len(backward))):
        there, back = forward[number % len(forward)], backward[number % len(backward)]
        place.die_in("mount", f"{there} do", "gold", hosts=[SECOND])
        assert mounted(place) == [FIRST, SECOND]
        place.die_in("unmount", f"{back} do", "gold", hosts=[SECOND])
        assert mounted(place) == [FIRST]
    for step, undo in MOUNT.steps.items():
        if undo is not None:
            place.die_in("mount", f"{step} undo", "gold", fails="read_back", hosts=[SECOND])
            assert mounted(place) == [FIRST]
    place.do("mount", "gold", hosts=[SECOND])
    place.die_in("unmount", "unmount undo", "gold", fails="unmount", hosts=[SECOND])
    assert mounted(place) == [FIRST, SECOND]


def test_a_schedule_survives_a_death_in_each_step_and_on_the_way_back(place: Place) -> None:
    place.do("provision", "cluster-1", name="gold", size=2 * GIB, profile="shared")

    def said() -> Any:
        (volume,) = place.site.call("GET", "volumes")["items"]
        return volume["protection"].get("retention")

    for keep, step in enumerate(("announce", *PROTECT.steps), start=1):
        place.die_in("protect", f"{step} do", "gold", every="monthly", keep=keep)
        assert said() == {"number": keep}
    place.die_in("protect", "set undo", "gold", fails="read_back", every="monthly", keep=99)
    assert said() == {"number": keep}
