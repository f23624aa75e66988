"""A real server is killed with SIGKILL while it puts settings right or keeps tags and policies: it converges."""

from __future__ import annotations

import pytest

from isthmus.plugins.vsphere.actions.declared.apply_host_settings import APPLY_HOST_SETTINGS
from isthmus.plugins.vsphere.actions.declared.sync_profiles import SYNC_PROFILES
from isthmus.plugins.vsphere.policies.mark import CATEGORY
from tests.integration.vsphere.test_actions_kill import Place, place
from tests.simulators.vcenter.objects.datacenter import Datacenter
from tests.simulators.vcenter.objects.host_option_manager import HostOptionManager

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CLUSTER = "cluster-1"
__all__ = ["place"]


def options(place: Place) -> list[HostOptionManager]:
    """Of each host."""
    return place.vc.model.every(HostOptionManager)


def timeouts(place: Place) -> list[int]:
    """The hosts' timeouts for lost paths."""
    return [each.value("Misc.APDTimeout") for each in options(place)]


def spoil(place: Place) -> None:
    for each in options(place):
        each.play("Misc.APDTimeout", 60)


def test_settings_are_put_right_whichever_step_the_server_dies_in(place: Place) -> None:
    for step in ("announce", *APPLY_HOST_SETTINGS.steps):
        spoil(place)
        place.die_in("apply-host-settings", f"{step} do", CLUSTER, rules=["apd-timeout"])
        assert timeouts(place) == [140, 140]


def test_settings_are_put_back_when_the_server_dies_on_the_way_back(place: Place) -> None:
    spoil(place)
    place.die_in("apply-host-settings", "apply undo", CLUSTER, fails="read_back", rules=["apd-timeout"])
    assert timeouts(place) == [60, 60]


def test_tags_and_policies_are_in_step_whichever_step_the_server_dies_in(place: Place) -> None:
    (center,) = place.vc.model.every(Datacenter)
    for step in ("announce", *SYNC_PROFILES.steps):
        for category in list(place.vc.tagging.categories):
            place.vc.tagging.delete_category(category)
        place.vc.policies.policies.clear()
        place.die_in("sync-profiles", f"{step} do", center.name)
        names = {str(each["name"]) for each in place.site.call("GET", "profiles")["items"]}
        assert place.vc.policies.tags()[CATEGORY] == names
        assert {each.name for each in place.vc.policies.policies.values()} == names
