"""Pages of datastores that lie on real volumes: what is shown is what the storage, the hosts and the vCenter have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from isthmus.core.model.page import Query
from isthmus.core.model.request import SnapshotRequest
from isthmus.core.model.volume import Volume
from isthmus.core.store import schema
from isthmus.plugins.vsphere.inventory.watch import Watches
from isthmus.plugins.vsphere.views.views import Views
from isthmus.ui_bridge.objects import ObjectId
from tests.environment.engine import done
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, GIB, ActionSite, action_site
from tests.integration.vsphere.views_site import facts, notices, rows, table
from tests.simulators.vcenter import Role
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.registry import vim
from tests.simulators.vcenter.storage.lookup import storage_of

CLUSTER = "cluster-1"
HOST = "esx-01.example.test"
RULES = Role("Storage provisioners", (*FULL.privileges, "Isthmus.Manage"))


@dataclass(slots=True)
class Shown:
    """The pages of a site, as its person sees them."""

    site: ActionSite
    watches: Watches
    views: Views

    def blocks(self, view: str, on: str = "") -> list[dict[str, Any]]:
        target = ObjectId.parse(self.site.subject(on).id) if on else ObjectId("", "", self.site.vc.guid)
        return [each.to_json() for each in self.views.content(view, self.site.person, target, "en")]

    def seen(self, name: str) -> None:
        """The inventory knows of it."""
        inventory = self.watches.inventory(self.site.vc.guid)
        assert inventory.complete(20)
        until(lambda: name in {each.name for each in inventory.all("Datastore") + inventory.all("VirtualMachine")})


@pytest.fixture
def shown(array: Array) -> Iterator[Shown]:
    with action_site(array, role=RULES) as site:
        watches = Watches(site.offered.desk.reaches)
        made = Shown(site, watches, Views(site.offered.desk, watches, lambda: {"local": site.adapter}, site.records))
        site.done("provision", CLUSTER, name="gold", size=2 * GIB, profile="shared")
        made.seen("gold")
        yield made
        watches.close()


def behind(shown: Shown) -> Volume:
    """The volume that the datastore gold lies on."""
    (disk,) = [each.diskName for each in shown.site.vc.named("gold").get("info.vmfs.extent")]
    query = Query(filters={"identifier": disk})
    (found,) = shown.site.array.engine.volumes.list(shown.site.root, query).items
    return found


def test_a_datastores_page_has_its_volume_and_the_hosts_that_reach_it(shown: Shown) -> None:
    blocks = shown.blocks("datastore-storage", "gold")
    (disk,) = [each.diskName for each in shown.site.vc.named("gold").get("info.vmfs.extent")]
    found = facts(blocks)
    assert (found["Identifier"]["value"], found["Size"]["value"]) == (disk, 2 * GIB)
    assert (found["Profile"]["value"], found["Storage system"]["value"]) == ("shared", "local")
    attached = rows(blocks, "attachments")
    assert {each["state"] for each in attached} == {"Attached"} and len(attached) == 2
    names = {storage_of(each).adapter.name for each in shown.site.hosts()}
    assert {each["initiator"] for each in attached} == names


def test_what_is_measured_of_a_volume_is_shown(shown: Shown) -> None:
    assert facts(shown.blocks("datastore-card", "gold"))["Occupied in the pool"]["value"] > 0


def test_a_snapshot_is_shown_with_what_is_done_to_it(shown: Shown) -> None:
    engine, root = shown.site.array.engine, shown.site.root
    volume = behind(shown)
    # This array takes none of a volume that is used.
    for attachment in engine.attachments.list(root, Query(filters={"volume": volume.id})).items:
        done(engine, engine.attachments.delete(root, attachment.id))
    done(engine, engine.snapshots.create(root, SnapshotRequest(volume.id, "before")))
    blocks = shown.blocks("datastore-storage", "gold")
    (row,) = table(blocks, "snapshots")["rows"]
    assert row["cells"]["name"]["value"] == "before" and row["target"] == shown.site.subject("gold").id
    assert {"snapshot-delete", "restore", "clone"} <= set(row["actions"]) and set(row["given"]) == {"snapshot"}
    assert facts(blocks)["Snapshots"]["value"] == 1


def test_a_hosts_page_maps_disks_to_volumes_and_counts_paths(shown: Shown) -> None:
    blocks = shown.blocks("host-storage", HOST)
    (row,) = rows(blocks, "disks")
    assert (row["volume"], row["datastore"], row["system"], row["paths"]) == ("gold", "gold", "local", "1 of 1 active")
    (target,) = rows(blocks, "targets")
    assert target["disks"] == 1 and target["portals"]
    assert {each["adapter"] for each in rows(blocks, "adapters")} == {"vmhba0", "vmhba64"}
    assert facts(shown.blocks("host-card", HOST))["Paths"]["text"] == "1 of 1 active"


def test_a_path_that_is_dead_is_seen(shown: Shown) -> None:
    disk = storage_of(shown.site.vc.named(HOST)).disks[str(behind(shown).identifier)]
    disk.paths[0].state = "dead"
    storage_of(shown.site.vc.named(HOST)).publish()
    assert facts(shown.blocks("host-card", HOST))["Paths"] == {
        "kind": "state", "value": "error", "text": "0 of 1 active",
    }  # fmt: skip


def test_settings_that_differ_are_told_with_what_puts_them_right(shown: Shown) -> None:
    blocks = shown.blocks("host-storage", HOST)
    found = table(blocks, "findings")
    assert found["rows"], "a host as it comes differs from the rules"
    row = next(each for each in found["rows"] if each["actions"])
    assert row["actions"] == ["apply-host-settings"] and len(row["given"]["rules"]) == 1
    assert (
        str(len(found["rows"])) in facts(shown.blocks("host-card", HOST))["Settings that differ from the rules"]["text"]
    )


def test_a_raw_disk_leads_to_its_own_volume(shown: Shown) -> None:
    site = shown.site
    machine = VirtualMachine(site.vc, "payroll", site.hosts()[0], site.vc.named("gold"), (1 << 20,))
    for store in machine.written():
        store.save()
    shown.seen("payroll")
    volume = site.array.volume("oracle", 64 << 20)
    access = site.array.attach(volume, storage_of(site.hosts()[0]).adapter.name)
    host = storage_of(site.hosts()[0])
    _reach(site, access)
    identifier = str(site.array.engine.volumes.get(site.root, volume).identifier)
    disk = vim.vm.device.VirtualDisk
    backing = disk.RawDiskMappingVer1BackingInfo(
        fileName="[gold] payroll/raw.vmdk", compatibilityMode="physicalMode", diskMode="independent_persistent",
        deviceName=host.disks[identifier].device_path,
    )  # fmt: skip
    change = vim.vm.device.VirtualDeviceSpec(
        operation="add", fileOperation="create",
        device=disk(key=-1, controllerKey=1000, unitNumber=1, capacityInKB=64 << 10, backing=backing),
    )  # fmt: skip
    machine.reconfigure(vim.vm.ConfigSpec(deviceChange=[change]))
    blocks = shown.blocks("vm-disks", "payroll")
    file, raw = rows(blocks, "disks")
    assert (file["kind"], file["volume"], file["datastore"]) == ("File on a datastore", "gold", "gold")
    assert (raw["kind"], raw["volume"], raw["size"]) == ("Raw device mapping", "oracle", 64 << 20)
    assert table(blocks, "disks")["rows"][1]["given"] == {"disk": machine.disks()[1].key}


def _reach(site: ActionSite, access: Any) -> None:
    """Let the first host log in to the volume."""
    storage = site.hosts()[0].system("storageSystem")
    address, _, port = access.portal.rpartition(":")
    hba = vim.host.InternetScsiHba
    target = hba.StaticTarget(address=address, port=int(port), iScsiName=access.target)
    storage.AddInternetScsiStaticTargets(None, "vmhba64", [target])
    chap = hba.AuthenticationProperties(
        chapAuthEnabled=True, chapName=access.user, chapSecret=access.secret, chapAuthenticationType="chapRequired",
        chapInherited=False,
    )  # fmt: skip
    storage.UpdateInternetScsiAuthenticationProperties(None, "vmhba64", chap, hba.TargetSet(staticTargets=[target]))
    storage.RescanHba(None, "vmhba64")


def test_operations_are_told_of_the_object_and_those_that_wait_on_the_first_page(shown: Shown) -> None:
    site = shown.site
    operation = site.act("expand", "gold", size=3 * GIB)
    assert operation.state == "done", operation.error
    (row, *_) = rows(shown.blocks("datastore-storage", "gold"), "operations")
    assert (row["operation"], row["state"], row["user"]) == ("Expand Datastore", "Done", site.person.user)
    every = rows(shown.blocks("operations"), "operations")
    assert {"Expand Datastore", "Provision Datastore"} <= {each["operation"] for each in every}
    assert next(each for each in every if each["operation"] == "Expand Datastore")["object"] == "gold"
    assert notices(shown.blocks("overview")) == ["Nothing needs attention."]
    where = schema.operations
    error = {"code": "storage_refused", "message": "…", "details": {"reason": "datastore-gone", "values": {}}}
    site.array.engine.parts.database.change(
        lambda tx: tx.execute(
            where.update().where(where.c.id == operation.id).values(state="needs_attention", error=error)
        )
    )
    blocks = shown.blocks("overview")
    (waiting,) = rows(blocks, "attention")
    assert (waiting["object"], waiting["reason"]) == ("gold", "The datastore is gone. Refresh the inventory.")
    assert not notices(blocks)
