"""Profiles as tags and storage policies of a vCenter: made, followed, and gone again, and only those that are ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from isthmus.core.errors import Forbidden, IsthmusError, Misconfigured, Unavailable
from isthmus.core.model.request import Changes, ProfileRequest, TenantRequest
from isthmus.plugins.vsphere.actions.declared.sync_profiles import SYNC_PROFILES
from isthmus.plugins.vsphere.connection.endpoint import Endpoint
from isthmus.plugins.vsphere.connection.errors import LoginRefused, PrivilegeMissing
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.policies import drift
from isthmus.plugins.vsphere.policies.duty import duty
from isthmus.plugins.vsphere.policies.keeper import Keeper
from isthmus.plugins.vsphere.policies.mark import CATEGORY, Key
from isthmus.plugins.vsphere.policies.tag_service import TagService
from isthmus.plugins.vsphere.reasons import texts
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import Registration
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import (
    EVERY,
    FULL,
    GIB,
    ActionSite,
    Beat,
    action_site,
    datastores,
    message,
    refused,
)
from tests.integration.vsphere.conftest import ANNA, SERVICE
from tests.simulators.vcenter import Grant, Role, Specification, User, VCenter
from tests.simulators.vcenter.objects.datacenter import Datacenter
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.rights import READ_ONLY, Permission, principal

CLUSTER = "cluster-1"
KEEPER = Role("Policy keepers", ("Isthmus.View", "Isthmus.Manage", "Host.Config.Storage", "Task.Create", "Task.Update"))


@pytest.fixture
def site(array: Array) -> Iterator[ActionSite]:
    with action_site(array, role=KEEPER) as made:
        yield made
        extra = [each for each in array.engine.profiles.list(array.root, EVERY).items if each.name.startswith("x-")]
        for each in extra:
            array.engine.profiles.delete(array.root, each.id)


def center(site: ActionSite) -> str:
    """The name of the only datacenter."""
    (found,) = site.vc.model.every(Datacenter)
    return found.name


def keeper(site: ActionSite) -> Keeper:
    return Keeper(site.offered.desk.reaches, site.offered.stage.systems(), site.vc.guid)


def tags(site: ActionSite) -> set[str]:
    """The names of the tags of our category."""
    tagging = site.vc.tagging
    ours = [each.id for each in tagging.categories.values() if each.name == CATEGORY]
    return {each.name for each in tagging.tags.values() if each.category_id in ours}


def policies(site: ActionSite) -> set[str]:
    return {each.name for each in site.vc.policies.policies.values()}


def tags_of(site: ActionSite, store: str) -> set[str]:
    """The names of the tags of ours that a datastore has."""
    return site.vc.policies.tags_of(site.vc.named(store)).get(CATEGORY, set())


def satisfying(site: ActionSite, policy: str) -> set[str]:
    """The datastores that the vCenter finds by a policy."""
    wanted = site.vc.policies.named(policy)
    return {each.name for each in datastores(site.vc) if wanted.satisfied(site.vc.policies.tags_of(each))}


def profiles(site: ActionSite) -> set[str]:
    return {each.name for each in site.array.engine.profiles.list(site.root, EVERY).items}


def footprint(site: ActionSite) -> Mapping[str, Any]:
    """All tags and policies, and what has them."""
    tagging = site.vc.tagging
    return {
        "tags": sorted((each.id, each.name, each.description) for each in tagging.tags.values()),
        "attached": {tag: sorted(subjects) for tag, subjects in tagging.attached.items() if subjects},
        "policies": sorted((each.id, each.name, each.generation) for each in site.vc.policies.policies.values()),
    }


def profile(site: ActionSite, name: str) -> str:
    """A new one for volumes of several hosts; its id."""
    over = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}}
    return str(site.array.engine.profiles.create(site.root, ProfileRequest(name, over)).id)


def rename(site: ActionSite, identity: str, name: str) -> None:
    site.array.engine.profiles.update(site.root, identity, Changes(name=name))


def mended(site: ActionSite) -> bool:
    """Whether the vCenter lets itself be mended again."""
    try:
        keeper(site).mend()
    except Unavailable:
        return False
    return True


@pytest.fixture
def gold(site: ActionSite) -> Iterator[str]:
    """A datastore `gold` on a volume of the profile `shared`."""
    given = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    assert site.ended(site.begin("provision", CLUSTER, context=site.root, **given)).state == "done"
    yield "gold"
    site.ended(site.begin("delete", "gold", context=site.root))


def test_each_profile_has_a_tag_and_a_policy_that_finds_its_datastores(site: ActionSite, gold: str) -> None:
    plan = site.catalogue.plan("vsphere", "sync-profiles", site.call(center(site)))
    assert {each["kind"] for each in plan["found"]} >= {"category-missing", "tag-missing", "policy-missing"}
    assert not site.vc.tagging.categories and not policies(site)
    result = site.done("sync-profiles", center(site))
    assert tags(site) == policies(site) == profiles(site) >= {"plain", "shared"}
    assert tags_of(site, gold) == {"shared"}
    assert satisfying(site, "shared") == {gold} and satisfying(site, "plain") == set()
    assert result["left"] == [] and "There is no tag for the profile shared." in str(result["found"])
    (category,) = site.vc.tagging.categories.values()
    assert (category.cardinality, category.associable_types) == ("SINGLE", ["Datastore"])
    before = footprint(site)
    assert site.done("sync-profiles", center(site))["found"] == []
    assert footprint(site) == before


def test_a_renamed_profile_is_followed_and_machines_keep_their_policy(site: ActionSite) -> None:
    identity = profile(site, "x-bronze")
    keeper(site).mend()
    policy = site.vc.policies.named("x-bronze")
    rename(site, identity, "x-copper")
    keeper(site).mend()
    assert policy.name == "x-copper" and "x-bronze" not in tags(site) | policies(site)
    assert site.vc.policies.tags()[CATEGORY] == profiles(site)
    assert not keeper(site).census().deviations()


def test_two_profiles_that_swap_names_are_followed(site: ActionSite) -> None:
    one, two = profile(site, "x-one"), profile(site, "x-two")
    keeper(site).mend()
    first = site.vc.policies.named("x-one")
    for identity, name in ((one, "x-aside"), (two, "x-one"), (one, "x-two")):
        rename(site, identity, name)
    keeper(site).mend()
    assert first.name == "x-two" and not keeper(site).census().deviations()
    assert tags(site) == policies(site) == profiles(site)


def test_what_belongs_to_no_profile_any_more_goes_unless_machines_have_it(site: ActionSite, gold: str) -> None:
    left, kept = profile(site, "x-left"), profile(site, "x-kept")
    keeper(site).mend()
    machine = VirtualMachine(site.vc, "payroll", site.hosts()[0], site.vc.named(gold), (1 << 20,))
    site.vc.policies.assign(site.vc.policies.named("x-kept"), machine)
    for identity in (left, kept):
        site.array.engine.profiles.delete(site.root, identity)
    result = site.done("sync-profiles", center(site))
    assert "x-left" not in tags(site) | policies(site)
    assert "x-kept" in tags(site) & policies(site)
    (told,) = result["left"]
    assert told["kind"] == "policy-kept" and "1 virtual machines or disks have the policy: it stays" in told["text"]
    (finding,) = drift.findings(site.offered.desk.reaches, site.offered.stage.systems(), site.vc.guid)
    assert finding.level == "warning" and "x-kept is gone" in finding.text and "another policy" in finding.cure
    again = profile(site, "x-kept")
    keeper(site).mend()
    assert Key.of(site.vc.policies.named("x-kept").description) == Key("local", again)
    assert not keeper(site).census().deviations()
    machine.destroy()


def test_only_what_is_ours_is_touched(site: ActionSite, gold: str) -> None:
    tagging, manager = site.vc.tagging, site.vc.policies
    other = tagging.create_category({"name": "owner", "cardinality": "MULTIPLE"})
    theirs = tagging.create_tag({"name": "finance", "category_id": other})
    tagging.attach(theirs, {"type": "Datastore", "id": site.vc.named(gold).moid})
    keeper(site).mend()
    mine = manager.named("shared")
    del manager.policies[mine.id]
    foreign = replace(mine, id="foreign", description="Made by hand")
    manager.policies["foreign"] = foreign
    result = site.done("sync-profiles", center(site))
    assert [each["kind"] for each in result["left"]] == ["policy-name-taken"]
    assert manager.policies["foreign"] is foreign and foreign.description == "Made by hand"
    assert tagging.tags[theirs].name == "finance" and theirs in tagging.of("Datastore", site.vc.named(gold).moid)
    del manager.policies["foreign"]
    keeper(site).mend()
    assert satisfying(site, "shared") == {gold}


def test_a_category_of_others_with_our_name_is_named(site: ActionSite) -> None:
    site.vc.tagging.create_category({"name": CATEGORY})
    with refused(IsthmusError, f"another category of tags called {CATEGORY}"):
        keeper(site).make_tags()


class Listing:
    """An adapter of this installation that knows of more systems than are served."""

    def __init__(self, adapter: Any, *systems: str) -> None:
        self._adapter = adapter
        self._page = SimpleNamespace(items=[SimpleNamespace(name=each) for each in systems], next=None)

    def storage(self, context: Any) -> Any:
        return self._adapter.storage(context)

    def administration(self, context: Any) -> Any:
        return SimpleNamespace(systems=SimpleNamespace(list=lambda query: self._page))


def test_what_belongs_to_a_system_that_is_not_served_now_stays(site: ActionSite) -> None:
    def served(**systems: Any) -> Keeper:
        return Keeper(site.offered.desk.reaches, systems, site.vc.guid)

    served(local=site.adapter, attic=site.adapter).mend()
    served(local=Listing(site.adapter, "local", "attic")).mend()
    assert "shared (attic)" in tags(site) & policies(site)
    served(local=Listing(site.adapter, "local")).mend()
    assert "shared (attic)" not in tags(site) | policies(site)


def test_tags_of_other_tenants_profiles_are_left_to_their_vcenters(site: ActionSite) -> None:
    tenant = site.array.engine.tenants.create(site.root, TenantRequest("x-neighbours"))
    request = ProfileRequest("x-theirs", tenants=(tenant.id,))
    theirs = Key("local", site.array.engine.profiles.create(site.root, request).id)
    keeper(site).mend()
    assert "x-theirs" not in tags(site) | policies(site)
    (category,) = site.vc.tagging.categories
    spec = {"name": "x-theirs", "category_id": category, "description": theirs.text}
    site.vc.tagging.create_tag(spec)
    before = footprint(site)
    assert not keeper(site).census().deviations()
    keeper(site).prune()
    assert footprint(site) == before
    site.array.engine.profiles.delete(site.root, theirs.profile)
    keeper(site).mend()
    assert "x-theirs" not in tags(site)


def test_a_category_that_somebody_renames_stays_ours(site: ActionSite, gold: str) -> None:
    keeper(site).mend()
    (category,) = site.vc.tagging.categories
    site.vc.tagging.change("category", category, {"name": "Storage class"})
    assert "policy-wants-other" in {each.kind for each in keeper(site).census().deviations()}
    keeper(site).mend()
    assert not keeper(site).census().deviations() and satisfying(site, "shared") == {gold}


def test_drift_is_told_and_mended(site: ActionSite, gold: str) -> None:
    keeper(site).mend()
    tagging, store = site.vc.tagging, site.vc.named(gold)
    by_name = {each.name: each.id for each in tagging.tags.values()}
    subject = {"type": "Datastore", "id": store.moid}
    tagging.detach(by_name["shared"], subject)
    tagging.attach(by_name["plain"], subject)
    site.vc.policies.named("plain").constraints = site.vc.policies.named("shared").constraints
    tagging.change("tag", by_name["shared"], {"name": "x"})
    found = {each.kind: each for each in keeper(site).census().deviations()}
    assert found.keys() == {"tag-differs", "policy-wants-other", "store-mistagged"}
    assert found["store-mistagged"].text() == "The datastore gold has the tag plain instead of shared."
    assert found["store-mistagged"].text("de").startswith("Der Datenspeicher gold hat das Tag plain")
    keeper(site).mend()
    assert tags_of(site, gold) == {"shared"} and satisfying(site, "plain") == set()
    assert not keeper(site).census().deviations() and not keeper(site).unmatched()


def test_datastores_of_others_lose_our_tags_only(site: ActionSite, gold: str) -> None:
    keeper(site).mend()
    foreign = next(each for each in datastores(site.vc) if each.name != gold)
    by_name = {each.name: each.id for each in site.vc.tagging.tags.values()}
    site.vc.tagging.attach(by_name["plain"], {"type": "Datastore", "id": foreign.moid})
    keeper(site).mend()
    assert tags_of(site, foreign.name) == set()


def test_of_a_system_that_does_not_answer_nothing_is_removed(site: ActionSite, gold: str) -> None:
    keeper(site).mend()
    before = footprint(site)

    class Silent:
        def storage(self, context: Any) -> Any:
            raise Unavailable("It is dead.")

        administration = storage

    systems: Any = {"local": Silent()}
    dumb = Keeper(site.offered.desk.reaches, systems, site.vc.guid)
    assert [each.kind for each in dumb.census().deviations()] == ["system-silent"]
    for part in (dumb.make_tags, dumb.make_policies, dumb.tag_stores, dumb.prune):
        part()
    assert footprint(site) == before


def test_profiles_of_other_systems_have_the_system_behind_their_names(site: ActionSite) -> None:
    systems = {"local": site.adapter, "basement": site.adapter}
    both = Keeper(site.offered.desk.reaches, systems, site.vc.guid)
    both.mend()
    assert {"shared", "shared (basement)"} <= tags(site) & policies(site)
    keeper(site).mend()
    assert "shared (basement)" not in tags(site) | policies(site)


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", [each for each in SYNC_PROFILES.steps if each != "compare"])
def test_a_failure_past_the_first_step_is_overcome(site: ActionSite, gold: str, step: str, after: bool) -> None:
    with site.failing("vsphere.sync-profiles", step, after=after):
        assert site.act("sync-profiles", center(site)).state == "done"
    assert not keeper(site).census().deviations() and satisfying(site, "shared") == {gold}


def test_a_failure_before_anything_is_changed_changes_nothing(site: ActionSite) -> None:
    before = footprint(site)
    with site.failing("vsphere.sync-profiles", "compare"):
        found = site.act("sync-profiles", center(site))
    assert found.state == "failed" and footprint(site) == before


@pytest.mark.parametrize("method", ["PbmQueryProfile", "POST /api/session", "GET /api/cis/tagging/category"])
def test_a_part_that_does_not_answer_does_not_make_the_vcenter_dead(site: ActionSite, method: str) -> None:
    site.vc.trouble(method, drop=True, times=10)
    with pytest.raises(Unavailable):
        keeper(site).census()
    assert site.offered.desk.reaches.get(site.vc.guid).line.condition().open
    site.vc.interference.clear()
    assert keeper(site).census()


@pytest.mark.parametrize("method", ["PbmCreate", "PbmQueryProfile", "POST /api/cis/tagging/tag"])
def test_a_connection_that_breaks_in_the_middle_is_overcome(site: ActionSite, method: str) -> None:
    site.vc.trouble(method, drop=True, after=True)
    found = site.act("sync-profiles", center(site))
    assert found.state == "done", message(found)
    assert tags(site) == policies(site) == profiles(site)


def test_a_new_datastore_has_its_tag_at_once(site: ActionSite) -> None:
    site.offered.stage.settings = {"profile_policies": True}
    given = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    made = site.ended(site.begin("provision", CLUSTER, context=site.root, **given))
    assert made.result["tagged"] is True and tags_of(site, "gold") == {"shared"}
    assert satisfying(site, "shared") == {"gold"}
    site.ended(site.begin("delete", "gold", context=site.root))


def test_a_new_datastore_leaves_other_profiles_tags_and_policies_alone(site: ActionSite) -> None:
    site.offered.stage.settings = {"profile_policies": True}
    gone, renamed = profile(site, "x-gone"), profile(site, "x-before")
    keeper(site).mend()
    site.array.engine.profiles.delete(site.root, gone)
    rename(site, renamed, "x-after")
    profile(site, "x-new")
    (shared,) = [each for each in site.vc.tagging.tags.values() if each.name == "shared"]
    shared.name = "somebody's name"
    given = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    made = site.ended(site.begin("provision", CLUSTER, context=site.root, **given))
    assert made.result["tagged"] is True and tags_of(site, "gold") == {"shared"}
    assert satisfying(site, "shared") == {"gold"}
    for names in (tags(site), policies(site)):
        assert {"shared", "x-gone", "x-before"} <= names and not {"x-after", "x-new"} & names
    site.ended(site.begin("delete", "gold", context=site.root))


def test_a_datastore_that_cannot_be_tagged_is_there_all_the_same(site: ActionSite) -> None:
    site.offered.stage.settings = {"profile_policies": True}
    site.vc.trouble("POST /api/session", drop=True, times=100)
    given = {"name": "gold", "size": 2 * GIB, "profile": "shared"}
    made = site.ended(site.begin("provision", CLUSTER, context=site.root, **given))
    assert made.state == "done" and made.result["tagged"] is False
    site.vc.interference.clear()
    until(lambda: mended(site), 20)
    assert tags_of(site, "gold") == {"shared"}
    site.ended(site.begin("delete", "gold", context=site.root))


def test_the_duty_mends_every_vcenter_and_a_dead_one_keeps_no_other(site: ActionSite) -> None:
    registration = Registration("1", "https://isthmus.example.com/", "AA")
    vcenters, desk = VCenters(site.records), site.offered.desk
    alive = replace(vcenters.get(site.vc.guid), registration=registration)
    vcenters.put(alive)
    # One before it and one behind it, in the order of the duty.
    for guid in ("00000000-dead", "ffffffff-dead"):
        vcenters.put(replace(alive, guid=guid, host=f"{guid}.invalid", version=0), password="Secret-1")
    desk.reaches.refresh(site.vc.guid)
    duty(lambda: desk.reaches, site.offered.stage.systems).run(Beat())
    assert tags(site) == policies(site) == profiles(site)


def test_without_a_service_account_or_the_role_it_is_refused(array: Array, site: ActionSite) -> None:
    with action_site(array, role=KEEPER, service=False) as other, refused(Misconfigured, "no service account"):
        other.begin("sync-profiles", center(other))
    with action_site(array, role=FULL) as third, pytest.raises(Forbidden):
        third.begin("sync-profiles", center(third))


def test_who_manages_one_datacenter_alone_does_not_change_the_whole_vcenter(site: ActionSite) -> None:
    name = center(site)
    assert site.done("sync-profiles", name)["left"] == []
    rights, who = site.vc.rights, principal(ANNA.name)
    (number,) = [each.id for each in rights.roles.values() if each.name == KEEPER.name]
    rights.permit(site.vc.named(name), Permission(who, False, number, True))
    rights.permit(site.vc.root, Permission(who, False, READ_ONLY, False))
    with refused(Forbidden, r"Isthmus\.Manage on all of it.*root folder"):
        site.begin("sync-profiles", name)
    assert site.begin("sync-profiles", name, context=site.root).state.live


def test_a_service_account_without_the_privileges_is_told_so() -> None:
    weak = User("weak@vsphere.local", "Secret-9", (Grant("ReadOnly"),))
    with VCenter(Specification(users=(weak,))) as vc:
        endpoint = Endpoint("127.0.0.1", vc.port, Trust(certificate=vc.certificate.pem))
        with (
            TagService(endpoint, weak.name, weak.password) as service,
            pytest.raises(PrivilegeMissing, match="does not let the service account keep tags"),
        ):
            service.make_category("x", "y")
        with pytest.raises(LoginRefused), TagService(endpoint, weak.name, "wrong"):
            pass


def test_an_old_release_is_served_below_its_former_address() -> None:
    with VCenter(Specification(users=(SERVICE,), release="7.0.0")) as vc:
        endpoint = Endpoint("127.0.0.1", vc.port, Trust(certificate=vc.certificate.pem))
        with TagService(endpoint, SERVICE.name, SERVICE.password) as service:
            category = service.make_category("c", "d")
            assert service.category("d") == category
            tag = service.make_tag(category.id, "gold", "x")
            service.change_tag(tag, "best", "y")
            assert [(each.name, each.description) for each in service.tags(category.id)] == [("best", "y")]
            assert service.attached([]) == {}
            service.delete_tag(tag)
            service.delete_tag(tag)
            assert service.tags(category.id) == []
        assert not vc.rest_sessions.all()


def test_every_deviation_is_told_in_every_language() -> None:
    sentences, phrases = (
        {key.removeprefix(begin) for key in texts().by_language["en"] if key.startswith(begin)}
        for begin in ("deviation.", "plan.kind.")
    )
    assert {"store-mistagged", "policy-kept", "tag-stale", "system-silent"} <= sentences == phrases
