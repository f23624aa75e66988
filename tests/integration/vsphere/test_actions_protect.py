"""A datastore's volume says when its snapshots are taken by themselves; what somebody else says meanwhile is not lost,
and whatever fails leaves what was said before."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.protecting import Protecting
from isthmus.core.errors import Failed, Forbidden, Invalid, NotOffered
from isthmus.core.model.identity import now
from isthmus.core.model.page import Query
from isthmus.core.model.protection import MARK
from isthmus.core.model.request import Changes
from isthmus.core.model.volume import Volume
from isthmus.plugins.vsphere.actions.declared.protect import PROTECT
from isthmus.plugins.vsphere.reasons import told
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import ActionSite, Beat, action_site, cure, message, refused
from tests.integration.vsphere.conftest import ANNA
from tests.integration.vsphere.machines_site import datastore, live_array
from tests.integration.vsphere.test_api import Page, client, token
from tests.integration.vsphere.test_exclusion import held
from tests.simulators.vcenter import Role

VIEWER = Role("Storage lookers", ("Isthmus.View",))
HOURLY = {"schedule": {"occurrence": "Hourly"}, "retention": {"number": 24}}


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    with live_array() as running:
        yield running


@pytest.fixture(scope="module")
def site(array: Array) -> Iterator[ActionSite]:
    with action_site(array) as made:
        datastore(made)
        yield made


@pytest.fixture(autouse=True)
def volume(site: ActionSite) -> Iterator[str]:
    """The volume of the datastore `gold`, which says nothing."""
    (found,) = site.array.engine.volumes.list(site.root, Query(filters={"name": "gold"})).items
    says(site, found.id, {})
    yield found.id
    for each in kept(site, found.id):
        site.array.engine.snapshots.delete(site.root, each.id)
    until(lambda: not kept(site, found.id))


def says(site: ActionSite, volume: str, protection: Mapping[str, Any]) -> None:
    site.array.engine.volumes.update(site.root, volume, Changes(protection=protection))


def read(site: ActionSite, volume: str) -> Volume:
    return site.array.engine.volumes.get(site.root, volume)


def kept(site: ActionSite, volume: str) -> list[Any]:
    return list(site.array.engine.snapshots.list(site.root, Query(filters={"volume": volume}, limit=1000)).items)


def there(site: ActionSite, volume: str, count: int) -> bool:
    """So many snapshots, all of them ready."""
    found = kept(site, volume)
    return len(found) >= count and all(each.state == "available" for each in found)


def protect(site: ActionSite, **given: Any) -> Mapping[str, Any]:
    return site.done("protect", "gold", **given)


@pytest.mark.parametrize(
    ("given", "document"),
    [
        ({"every": "hourly"}, {"schedule": {"occurrence": "Hourly"}}),
        (
            {"every": "monthly", "first": "2026-12-31T23:00:00+02:00", "keep": 7, "days": 30},
            {
                "schedule": {"occurrence": "Monthly", "datetime": "2026-12-31T21:00:00+00:00"},
                "retention": {"number": 7, "duration": 30},
            },
        ),
        (
            {"every": "weekly", "first": "2026-12-31"},
            {"schedule": {"occurrence": "Weekly", "datetime": "2026-12-31T00:00:00+00:00"}},
        ),
        ({"every": "never"}, {"schedule": {"occurrence": "Never"}}),
        ({"every": "as-profile"}, {}),
    ],
    ids=["hourly", "monthly", "weekly", "never", "as-profile"],
)
def test_the_volume_says_what_was_asked_for_and_nothing_of_before(
    site: ActionSite, volume: str, given: dict[str, Any], document: dict[str, Any]
) -> None:
    says(site, volume, {"schedule": {"occurrence": "Daily"}, "retention": {"number": 3}})
    call = site.call("gold", given)
    planned = site.catalogue.plan("vsphere", "protect", call)
    assert read(site, volume).protection["retention"] == {"number": 3}, "a dry run changes nothing"
    result = protect(site, **given)
    assert read(site, volume).protection == document
    assert result["before"] == planned["before"]
    assert (result["before"]["every"], result["before"]["keep"], result["before"]["by"]) == ("daily", 3, "volume")
    assert result["becomes"]["by"] == (None if given["every"] == "as-profile" else "volume")
    if given["every"] in ("never", "as-profile"):
        assert result["becomes"]["every"] == "never" and result["next"] is None
    else:
        assert result["becomes"]["every"] == given["every"]
        assert datetime.fromisoformat(result["next"]) > now() and not result["refused_now"]


def test_the_same_again_changes_nothing(site: ActionSite, volume: str) -> None:
    protect(site, every="daily", keep=7)
    version = read(site, volume).version
    assert protect(site, every="daily", keep=7)["becomes"]["keep"] == 7
    assert read(site, volume).version == version


def test_the_storage_then_takes_them_and_who_shortens_it_is_told_what_goes(site: ActionSite, volume: str) -> None:
    engine = site.array.engine
    protect(site, every="hourly", keep=24)
    protecting = Protecting(engine.parts, engine.snapshots)
    start = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
    for hours in (1, 2, 3):
        protecting.run(Beat(), start + timedelta(hours=hours))
        until(partial(there, site, volume, hours))
    assert all(MARK in each.metadata for each in kept(site, volume))
    planned = site.catalogue.plan("vsphere", "protect", site.call("gold", {"every": "hourly", "keep": 1}))
    assert (planned["scheduled"], planned["discarded"]) == (len(kept(site, volume)), len(kept(site, volume)) - 1)
    never = site.catalogue.plan("vsphere", "protect", site.call("gold", {"every": "never"}))
    assert never["discarded"] == 0, "what is there stays when no more are taken"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "every"),
        ({"every": "yearly"}, "yearly"),
        ({"every": "daily", "keep": 0}, "keep"),
        ({"every": "daily", "days": "ten"}, "days"),
        ({"every": "daily", "hours": 1}, "hours"),
        ({"every": "daily", "first": "tomorrow"}, "no such time as tomorrow.*2030-01-31"),
        ({"every": "daily", "first": "2026-02-30T22:00:00Z"}, "no such time"),
        ({"every": "daily", "first": "0001-01-01T00:00:00+14:00"}, "no such time"),
        ({"every": "never", "keep": 7}, "says nothing: keep.*choose how often"),
        ({"every": "as-profile", "first": "2026-12-31T22:00:00Z", "days": 3}, "says nothing: first, days"),
    ],
)
def test_what_cannot_be_kept_is_refused(site: ActionSite, volume: str, given: dict[str, Any], words: str) -> None:
    says(site, volume, HOURLY)
    with refused(Invalid, words):
        site.begin("protect", "gold", **given)
    assert read(site, volume).protection == HOURLY


@pytest.fixture
def anna(site: ActionSite) -> Context:
    """With a request of her own, by which its tasks are told from those of other tests."""
    return replace(site.person, request_id=f"req-{uuid.uuid4()}")


def test_it_is_a_task_of_the_vcenter_and_names_what_holds(site: ActionSite, volume: str, anna: Context) -> None:
    operation = site.begin("protect", "gold", anna, every="daily")
    found = site.ended(operation)
    assert found.state == "done" and site.task(operation).state == "success"
    assert (found.result["volume"], found.result["datastore"]) == (volume, site.vc.named("gold").moid)


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", ["announce", *PROTECT.steps])
def test_a_failure_in_any_step_leaves_what_was_said_before(
    site: ActionSite, volume: str, anna: Context, step: str, after: bool
) -> None:
    says(site, volume, HOURLY)
    with site.failing("vsphere.protect", step, after=after):
        operation = site.begin("protect", "gold", anna, every="never")
        assert site.ended(operation).state == "failed"
    assert read(site, volume).protection == HOURLY
    if (step, after) != ("announce", False):
        assert site.task(operation).state == "error"


def test_a_cancel_before_the_end_puts_it_back(site: ActionSite, volume: str, anna: Context) -> None:
    says(site, volume, HOURLY)
    with held(site, "vsphere.protect", "read_back") as go:
        operation = site.begin("protect", "gold", anna, every="never")
        until(lambda: read(site, volume).protection == {"schedule": {"occurrence": "Never"}}, 20)
        site.vc.model.of(site.task(operation).task).set("info.cancelled", True)
        site.offered.mirror.look(Beat())
        assert site.operation(operation).cancel_requested
        go[0] = True
        assert site.ended(operation).state == "cancelled"
    assert read(site, volume).protection == HOURLY and site.task(operation).state == "error"


@pytest.mark.parametrize(
    ("step", "kind", "said"),
    [
        ("set", "stale", "nothing of that was overwritten"),
        ("read_back", "storage_failed", "reads back as something else"),
    ],
)
def test_what_another_says_meanwhile_stays(site: ActionSite, volume: str, step: str, kind: str, said: str) -> None:
    with held(site, "vsphere.protect", step) as go:
        operation = site.begin("protect", "gold", every="never")
        until(lambda: site.operation(operation).step == step, 20)
        says(site, volume, HOURLY)
        go[0] = True
        found = site.ended(operation)
    assert found.state == "failed" and (found.error or {})["code"] == kind
    assert said in message(found) and cure(found)
    assert read(site, volume).protection == HOURLY


@pytest.mark.parametrize("lost", [1, 2], ids=["forward", "back"])
def test_what_another_says_in_the_very_moment_stays(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """Between a step's look and its change: `lost` is the change of the operation that comes too late."""
    volumes, count = site.array.engine.volumes, 0
    update = volumes.update

    def second(*given: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == lost:
            update(site.root, volume, Changes(protection=HOURLY))
        return update(*given, **more)

    monkeypatch.setattr(volumes, "update", second)
    with site.failing("vsphere.protect", "read_back"):
        found = site.act("protect", "gold", every="never")
    assert found.state == "failed" and count == lost
    assert ("nothing of that was overwritten" in message(found)) is (lost == 1)
    assert read(site, volume).protection == HOURLY


def test_a_volume_that_does_not_say_it_afterwards_is_no_success(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = site.array.engine.volumes
    monkeypatch.setattr(volumes, "update", lambda context, volume, changes, if_version=None: read(site, volume))
    found = site.act("protect", "gold", every="daily")
    assert found.state == "failed" and "reads back as something else" in message(found)


def test_a_storage_that_would_take_none_now_is_heard(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> Any:
        raise Failed("The pool has no room.", next_step="Add room.")

    monkeypatch.setattr(site.array.engine.snapshots, "create", full)
    assert protect(site, every="daily")["refused_now"] == "The pool has no room. Add room."
    assert protect(site, every="never")["refused_now"] is None


def test_a_system_in_which_volumes_do_not_say_it_is_named(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Foreign:
        """The array under another name, without the part of the contract."""

        def storage(self, context: Context) -> Any:
            storage = site.adapter.storage(context)
            described = storage.describe()
            said = replace(described, offers=tuple(each for each in described.offers if each != "volumes.protection"))
            monkeypatch.setattr(storage, "describe", lambda: said)
            return storage

    monkeypatch.setattr(site.offered.stage, "_systems", lambda: {"basement": Foreign()})
    with refused(NotOffered, "storage system basement.*class of service"):
        site.begin("protect", "gold", every="daily")
    wrong = site.catalogue.check("vsphere", "protect", site.call("gold"))
    assert isinstance(wrong, NotOffered), "the menu says so before anything is entered"
    for locale in ("de", "zh"):
        found = told(wrong.to_json(), locale)
        assert found is not None and "basement" in found[0]


def test_another_system_of_ours_is_asked_under_its_name(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.offered.stage, "_systems", lambda: {"far": site.adapter})
    assert protect(site, every="weekly")["system"] == "far"
    assert read(site, volume).protection["schedule"]["occurrence"] == "Weekly"


def test_a_page_plans_it_and_does_it(site: ActionSite, volume: str) -> None:
    page = Page(client(site), site.vc, token(site.vc, ANNA))
    found = page.got("actions/protect", "gold", locale="de")
    assert found["available"] and found["title"] == "Snapshots des Datenspeichers planen"
    assert [each["label"] for each in found["steps"]][1:] == [
        "Noch einmal prüfen", "Den Zeitplan des Volumes setzen", "Zurücklesen und vergleichen",
    ] and found["pivot"] is None  # fmt: skip
    assert found["input"]["properties"]["every"]["x-titles"]["daily"] == "Jeden Tag"
    given = {"every": "daily", "keep": 7}
    planned = page.got("actions/protect/plan", "gold", {"input": given})
    (becomes,) = [each for each in planned["blocks"] if each.get("title") == "Becomes"]
    assert {each["label"]: each["value"]["value"] for each in becomes["facts"]} == {
        "How often": "Every day", "Kept at most": 7, "Said by": "The volume itself",
    }  # fmt: skip
    *_, ended = page.followed(page.begin("protect", "gold", **given))
    assert ended["state"] == "done" and ended["result"]["becomes"]["every"] == "daily"
    assert read(site, volume).protection == {"schedule": {"occurrence": "Daily"}, "retention": {"number": 7}}


def test_who_may_only_look_is_told_which_privilege_is_missing(array: Array) -> None:
    with action_site(array, role=VIEWER) as site:
        made = site.act("provision", "cluster-1", site.root, name="silver", size=2 << 30, profile="shared")
        assert made.state == "done", made.error
        page = Page(client(site), site.vc, token(site.vc, ANNA))
        refusal = page.ask("actions/protect", "silver", {"input": {"every": "daily"}})
        assert refusal.status == 403 and "Isthmus.Provision" in refusal.body["message"] and refusal.body["next_step"]
        with pytest.raises(Forbidden, match="volume:update"):
            site.catalogue.invoke("vsphere", "protect", site.call("silver", {"every": "daily"}))
        assert read(site, site.volume(made)).protection == {}
        site.act("delete", "silver", site.root)
