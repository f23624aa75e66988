"""Hosts get a datastore or lose it, all that are meant or none."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.core.errors import Conflict, Invalid
from isthmus.core.model.page import Query
from isthmus.core.store import nouns
from isthmus.plugins.vsphere.actions.declared.mount import MOUNT
from isthmus.plugins.vsphere.actions.mount import Mount
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.reasons import said
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, ActionSite, cure, message, refused
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.storage.lookup import storage_of

CLUSTER = "cluster-1"
FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"


@pytest.fixture
def one(site: ActionSite) -> str:
    """The volume of the datastore `gold`, which the first host has."""
    return str(site.done("provision", CLUSTER, name="gold", size=2 * GIB, profile="shared", hosts=[FIRST])["volume"])


@pytest.fixture
def both(site: ActionSite) -> str:
    """The volume of the datastore `gold`, which both hosts have."""
    return str(site.done("provision", CLUSTER, name="gold", size=2 * GIB, profile="shared")["volume"])


def mounted(site: ActionSite) -> dict[str, tuple[bool, bool]]:
    """Of the datastore, by host: mounted, accessible."""
    return {
        site.vc.host(each.key).name: (each.mountInfo.mounted, each.mountInfo.accessible)
        for each in site.vc.named("gold").get("host")
    }


def without_hosts(footprint: Any) -> Any:
    """The storage knows a host from the first attachment on."""
    return {name: value for name, value in footprint.items() if name != "hosts"}


def test_a_host_gets_it_and_loses_it_again(site: ActionSite, one: str) -> None:
    before = without_hosts(site.footprint())
    site.done("mount", "gold", hosts=[SECOND])
    assert mounted(site) == {FIRST: (True, True), SECOND: (True, True)}
    operation = site.begin("unmount", "gold", hosts=[SECOND])
    assert site.ended(operation).state == "done"
    assert mounted(site) == {FIRST: (True, True)}
    assert without_hosts(site.footprint()) == before
    site.done("mount", "gold", hosts=[SECOND])
    assert mounted(site)[SECOND] == (True, True)


def test_a_menu_offers_only_what_can_be_done_to_some_host(site: ActionSite, one: str) -> None:
    def wrong(action: str) -> str:
        found = site.catalogue.check("vsphere", action, site.call("gold"))
        return "" if found is None else found.message

    assert not wrong("mount") and "No other host would reach the datastore gold" in wrong("unmount")
    site.done("mount", "gold", hosts=[SECOND])
    assert wrong("mount") == "Every host has the datastore gold mounted." and not wrong("unmount")


def test_a_host_that_had_it_unmounted_keeps_its_disk_on_the_way_back(site: ActionSite, both: str) -> None:
    host = site.hosts()[1]
    host.system("storageSystem").storage.volumes.unmount(site.vc.named("gold").uuid)
    before = site.footprint()
    with site.failing("vsphere.mount", "read_back"):
        assert site.act("mount", "gold", hosts=[SECOND]).state == "failed"
    assert site.footprint() == before and mounted(site)[SECOND][0] is False
    site.done("mount", "gold", hosts=[SECOND])
    assert mounted(site)[SECOND] == (True, True)


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", list(MOUNT.steps))
def test_a_failure_in_mounting_leaves_everything_as_before(site: ActionSite, one: str, step: str, after: bool) -> None:
    before = site.footprint()
    with site.failing("vsphere.mount", step, after=after):
        found = site.act("mount", "gold", hosts=[SECOND])
    assert found.state == "failed"
    assert site.footprint() == before and mounted(site) == {FIRST: (True, True)}


def test_what_somebody_else_gave_the_host_meanwhile_is_not_taken_on_the_way_back(
    site: ActionSite, one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine, given = Mount.examine, []

    def then_given(deed: Mount, run: Any) -> None:
        examine(deed, run)
        given.append(site.array.attach(one, storage_of(site.hosts()[1]).adapter.name))

    monkeypatch.setattr(Mount, "examine", then_given)
    with site.failing("vsphere.mount", "read_back"):
        assert site.act("mount", "gold", hosts=[SECOND]).state == "failed"
    left = site.array.engine.attachments.list(site.root, Query(filters={"volume": one})).items
    assert given[0].attachment in [each.id for each in left]
    assert storage_of(site.hosts()[1]).adapter.statics


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", ["examine", "unmount"])
def test_a_failure_before_anything_is_withdrawn_leaves_everything_as_before(
    site: ActionSite, both: str, step: str, after: bool
) -> None:
    before = site.footprint()
    with site.failing("vsphere.unmount", step, after=after):
        assert site.act("unmount", "gold", hosts=[SECOND]).state == "failed"
    assert site.footprint() == before and mounted(site)[SECOND] == (True, True)


def test_an_attachment_that_no_target_was_made_for_is_in_nobodys_way(site: ActionSite, both: str) -> None:
    access = site.array.attach(both, "iqn.2026-01.test:elsewhere")
    database = site.array.engine.parts.database
    connection = dict(site.array.engine.attachments.get(site.root, access.attachment).connection)
    database.change(lambda tx: nouns.attachments.change(tx, access.attachment, connection={}))
    try:
        site.done("unmount", "gold", hosts=[SECOND])
    finally:
        database.change(lambda tx: nouns.attachments.change(tx, access.attachment, connection=connection))
    assert mounted(site) == {FIRST: (True, True)}


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", ["withdraw", "detach", "read_back"])
def test_a_failure_past_that_point_is_overcome(site: ActionSite, both: str, step: str, after: bool) -> None:
    with site.failing("vsphere.unmount", step, after=after):
        assert site.act("unmount", "gold", hosts=[SECOND]).state == "done"
    assert mounted(site) == {FIRST: (True, True)}


def test_a_host_that_goes_offline_in_mid_mount_is_named_and_cleaned_up_later(site: ActionSite, one: str) -> None:
    before = without_hosts(site.footprint())
    second = site.hosts()[1]

    def offline(receiver: Any, arguments: Any) -> bool:
        second.set("runtime.connectionState", "disconnected")
        return False

    site.vc.trouble("RescanVmfs", fault=vim.fault.PlatformConfigFault(), when=offline)
    operation = site.begin("mount", "gold", hosts=[SECOND])
    until(lambda: site.operation(operation).undoing, 30)
    site.vc.interference.clear()
    second.set("runtime.connectionState", "connected")
    found = site.ended(operation)
    assert found.state == "failed" and f"no connection to host {SECOND}" in message(found)
    assert cure(found) == "Connect the host again, then repeat this."
    assert said(found.error or {}, "de").startswith(f"Das vCenter hat keine Verbindung zum Host {SECOND}.")
    assert without_hosts(site.footprint()) == before and mounted(site) == {FIRST: (True, True)}


def test_the_last_host_and_a_host_with_machines_keep_it(site: ActionSite, both: str) -> None:
    with refused(Conflict, "No other host would reach"):
        site.begin("unmount", "gold", hosts=[FIRST, SECOND])
    VirtualMachine(site.vc, "payroll", site.hosts()[1], site.vc.named("gold"), (1 << 20,))
    with refused(Conflict, f"Host {SECOND} needs the datastore gold: virtual machine payroll"):
        site.begin("unmount", "gold", hosts=[SECOND])
    site.done("unmount", "gold", hosts=[FIRST])


def test_a_volume_for_one_host_is_not_mounted_on_a_second(site: ActionSite) -> None:
    site.done("provision", FIRST, name="gold", size=2 * GIB, profile="plain")
    with refused(Conflict, "plain are for one host, and these are 2"):
        site.begin("mount", "gold", hosts=[SECOND])


def test_a_cluster_stands_for_those_of_its_hosts_that_lack_the_datastore(site: ActionSite, one: str) -> None:
    plan = site.catalogue.plan("vsphere", "mount", site.call("gold", {"hosts": [CLUSTER]}))
    assert [each["name"] for each in plan["hosts"]] == [SECOND]
    site.done("mount", "gold", hosts=[CLUSTER])
    assert mounted(site) == {FIRST: (True, True), SECOND: (True, True)}
    with refused(Conflict, f"Host {FIRST} has the datastore gold mounted"):
        site.begin("mount", "gold", hosts=[CLUSTER])


def test_a_name_that_no_host_and_no_cluster_has_is_refused(site: ActionSite, one: str) -> None:
    with refused(Invalid, "no host cluster-9"):
        site.begin("mount", "gold", hosts=["cluster-9"])
