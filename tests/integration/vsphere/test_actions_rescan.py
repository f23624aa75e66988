"""Hosts look for storage, and it is told of each what came and what went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden
from isthmus.plugins.vsphere.actions.declared.rescan import RESCAN
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.reasons import said
from tests.integration.vcenter_simulator.array import Access, Array
from tests.integration.vsphere.actions_site import FEW, GIB, ActionSite, action_site, message
from tests.simulators.vcenter.storage.lookup import storage_of

CLUSTER = "cluster-1"
FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"
NOTHING: dict[str, list[str]] = {"came": [], "went": []}


def by_name(result: Mapping[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in result["hosts"]}


def reachable(site: ActionSite, name: str) -> tuple[Access, str]:
    """A volume that the first host is told of and has not seen yet; and the name of its disk."""
    storage = storage_of(site.hosts()[0])
    volume = site.array.volume(name)
    access = site.array.attach(volume, storage.adapter.name)
    address, _, port = access.portal.rpartition(":")
    target = vim.host.InternetScsiHba.StaticTarget(address=address, port=int(port), iScsiName=access.target)
    storage.adapter.add_statics([target])
    chap = vim.host.InternetScsiHba.AuthenticationProperties(
        chapAuthEnabled=True, chapName=access.user, chapSecret=access.secret, chapAuthenticationType="chapRequired",
        chapInherited=False,
    )  # fmt: skip
    storage.adapter.authenticate(chap, vim.host.InternetScsiHba.TargetSet(staticTargets=[target]))
    return access, str(site.array.engine.volumes.get(site.root, volume).identifier)


def test_a_disk_that_came_and_went_is_named_for_its_host_only(site: ActionSite) -> None:
    access, disk = reachable(site, "newcomer")
    operation = site.begin("rescan", CLUSTER)
    found = site.ended(operation)
    assert found.state == "done" and site.task(operation).state == "success"
    first, second = by_name(found.result)[FIRST], by_name(found.result)[SECOND]
    assert first["disks"] == {"came": [disk], "went": []} and second["disks"] == NOTHING
    site.array.detach(access)
    assert by_name(site.done("rescan", FIRST))[FIRST]["disks"] == {"came": [], "went": [disk]}


def test_a_datastore_that_is_out_of_reach_went(site: ActionSite) -> None:
    volume = str(site.done("provision", FIRST, name="gold", size=2 * GIB, profile="plain")["volume"])
    engine = site.array.engine
    (attachment,) = [each for each in engine.attachments.list(site.root).items if each.volume == volume]
    site.array.withdraw(attachment.id)
    found = by_name(site.done("rescan", FIRST))[FIRST]
    assert found["datastores"] == {"came": [], "went": ["gold"]} and len(found["disks"]["went"]) == 1


def test_a_host_that_is_offline_is_named_and_the_others_look(site: ActionSite) -> None:
    site.hosts()[1].set("runtime.connectionState", "disconnected")
    found = by_name(site.done("rescan", CLUSTER))
    assert (found[FIRST]["state"], found[SECOND]["state"]) == ("scanned", "offline")
    assert SECOND in found[SECOND]["error"]["message"] and found[SECOND]["error"]["next_step"]
    with pytest.raises(Conflict, match=f"no connection to host {SECOND}"):
        site.begin("rescan", SECOND)


def test_a_host_that_refuses_fails_the_operation_which_tells_what_the_others_found(site: ActionSite) -> None:
    _, disk = reachable(site, "other")
    second = site.hosts()[1].system("storageSystem").moid
    site.vc.trouble(
        "RescanAllHba",
        fault=vim.fault.PlatformConfigFault(text="no", msg="It is broken"),
        when=lambda receiver, arguments: receiver._moId == second,
    )
    found = site.act("rescan", CLUSTER)
    assert found.state == "failed" and f"({SECOND})" in message(found) and "It is broken" in message(found)
    told = site.task(found).error.msg
    assert "What hosts have found" in told and "as it was before" not in told
    assert f"Der Host {SECOND} hat abgelehnt" in said(found.error or {}, "de")
    assert by_name(found.result)[FIRST]["disks"]["came"] == [disk]
    assert by_name(found.result)[SECOND]["state"] == "failed"


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", list(RESCAN.steps))
def test_a_failure_in_any_step_fails_the_operation(site: ActionSite, step: str, after: bool) -> None:
    before = site.footprint()
    with site.failing("vsphere.rescan", step, after=after):
        assert site.act("rescan", CLUSTER).state == "failed"
    assert site.footprint() == before


def test_who_lacks_the_right_is_told_which(array: Array) -> None:
    with (
        action_site(array, role=FEW) as site,
        pytest.raises(Forbidden, match=r"You lack Host\.Config\.Storage on cluster"),
    ):
        site.begin("rescan", CLUSTER)


def test_the_plan_says_who_would_look_and_who_cannot(site: ActionSite) -> None:
    site.hosts()[1].set("runtime.connectionState", "disconnected")
    plan = site.catalogue.plan("vsphere", "rescan", site.call(CLUSTER))
    assert [(each["name"], each["connected"]) for each in plan["hosts"]] == [(FIRST, True), (SECOND, False)]
