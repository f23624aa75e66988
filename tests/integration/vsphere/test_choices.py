"""What the fields of dialogs may be, asked of the vCenter and the storage systems in question."""

from __future__ import annotations

from typing import Any

from isthmus.plugin_manager.action import Choice
from tests.integration.vsphere.actions_site import GIB, ActionSite
from tests.integration.vsphere.test_actions_provision import CLUSTER, HOST, wanted


def chosen(site: ActionSite, action: str, field: str, on: str, **given: Any) -> dict[str, Choice]:
    return {each.title: each for each in site.catalogue.choices("vsphere", action, field, site.call(on, given))}


def test_profiles_are_those_that_hosts_can_reach_and_say_what_they_are(site: ActionSite) -> None:
    found = chosen(site, "provision", "profile", HOST)
    assert found["shared"].details["shared"] and not found["plain"].details["shared"]
    assert [each for each in found.values() if each.details["default"]]


def test_pools_say_how_much_is_free(site: ActionSite) -> None:
    pools = chosen(site, "provision", "pool", HOST)
    assert pools and all(0 < each.details["free"] <= each.details["total"] for each in pools.values())


def test_the_hosts_of_a_cluster_can_be_chosen_and_of_a_datastore_those_with_something_to_do(site: ActionSite) -> None:
    hosts = {each.name: each for each in site.hosts()}
    assert chosen(site, "provision", "hosts", CLUSTER).keys() == hosts.keys()
    site.done("provision", CLUSTER, **wanted(profile="shared", size=2 * GIB, hosts=[HOST]))
    assert chosen(site, "unmount", "hosts", "gold").keys() == {HOST}
    assert chosen(site, "mount", "hosts", "gold").keys() == hosts.keys() - {HOST}


def test_a_system_can_be_chosen_that_makes_volumes(site: ActionSite) -> None:
    assert chosen(site, "provision", "system", HOST).keys() == {"local"}
