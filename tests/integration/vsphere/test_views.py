"""Pages show what is there, to those who may see it, and say what is missing and why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.engine.failure_message import FailureMessage
from isthmus.core.errors import NotFound, Unauthenticated
from isthmus.core.model.host import Host, Initiator
from isthmus.core.model.pool import PoolState
from isthmus.core.model.protection import MARK
from isthmus.core.model.request import AttachmentRequest, HostRequest, VolumeRequest
from isthmus.core.store import schema
from isthmus.plugins.vsphere.events.kinds import ALARMS, HOSTS, STALE_HOSTS
from isthmus.plugins.vsphere.events.memory import Raised
from isthmus.plugins.vsphere.events.survey import ROOT
from isthmus.plugins.vsphere.reasons import texts
from isthmus.plugins.vsphere.views import raised
from isthmus.plugins.vsphere.views.declared import VIEWS
from isthmus.ui_bridge.objects import ObjectId
from tests.environment.engine import done
from tests.environment.server import until
from tests.integration.vsphere import views_site as sites
from tests.integration.vsphere.conftest import ANNA, BERND
from tests.integration.vsphere.views_site import (
    GIB,
    MOMENT,
    ViewsSite,
    facts,
    measured,
    notices,
    pool,
    profile,
    rows,
    snapshot,
    table,
    trend,
    views_site,
    volume,
)
from tests.simulators.vcenter.registry import vim

STORE = "datastore-001"
HOST = "esx-01.example.test"
NOTHING = "Nobody measures this here."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ViewsSite]:
    with views_site(tmp_path) as made:
        yield made


@pytest.fixture
def stocked(site: ViewsSite) -> ViewsSite:
    """The array has the volumes behind two datastores, and one that nothing is on."""
    site.array.volumes += [
        volume(1, site.disk(STORE)),
        volume(2, site.disk("south-gold")),
        volume(3, "naa.6000000000000000000000000000beef"),
    ]
    site.array.pools.append(pool())
    site.array.profiles.append(profile())
    return site


def test_a_datastores_card_says_what_lies_behind_it(stocked: ViewsSite) -> None:
    stocked.array.snapshots = [snapshot(1), snapshot(2)]
    found = facts(stocked.blocks("datastore-card", STORE))
    assert found["Name"]["value"] == "volume-1"
    assert found["Size"] == {"kind": "bytes", "value": 4 * GIB}
    assert (found["Profile"]["value"], found["Pool"]["value"], found["Storage system"]["value"]) == (
        "gold", "fast", "array",
    )  # fmt: skip
    assert found["State"] == {"kind": "state", "value": "ok", "text": "Available"}
    assert found["Used"] == {"kind": "bar", "value": 512 * GIB, "of": 1024 * GIB}
    assert found["Snapshots"]["value"] == 2


def test_a_datastore_says_when_its_snapshots_are_taken_by_themselves(stocked: ViewsSite) -> None:
    stocked.array.snapshots = [snapshot(1), replace(snapshot(2), metadata={MARK: "2026-01-01T12:00:00+00:00"})]
    assert "Snapshots by schedule" not in facts(stocked.blocks("datastore-card", STORE)), "the system does not offer it"
    stocked.array.offers = ("volumes", "pools", "volumes.protection")
    found = facts(stocked.blocks("datastore-card", STORE))
    assert found["Snapshots by schedule"]["value"] == "None" and "Next scheduled snapshot" not in found
    assert (found["Snapshots"]["value"], found["Scheduled snapshots"]["value"]) == (2, 1), "they outlive their schedule"
    daily = {"schedule": {"occurrence": "Daily"}, "retention": {"number": 7, "duration": 30}}
    stocked.array.profiles[0] = replace(profile(), properties={"snapshotProperties": daily})
    found = facts(stocked.blocks("datastore-storage", STORE))
    said = found["Snapshots by schedule"]["value"]
    assert said == "Every day, 7 kept, for 30 d at most (as the profile says)"
    due = datetime.fromisoformat(found["Next scheduled snapshot"]["value"])
    assert timedelta(0) < due - datetime.now(UTC) <= timedelta(days=1) and due.hour == 0
    own = replace(stocked.array.volumes[0], protection={"schedule": {"occurrence": "Never"}})
    stocked.array.volumes[0] = own
    found = facts(stocked.blocks("datastore-card", STORE))
    assert found["Snapshots by schedule"]["value"] == "Never (for this volume)"
    assert "Next scheduled snapshot" not in found and found["Scheduled snapshots"]["value"] == 1
    german = facts(stocked.blocks("datastore-card", STORE, locale="de-DE"))
    assert german["Snapshots nach Plan"]["value"] == "Nie (für dieses Volume)"


def test_what_nobody_measured_is_said_so_and_is_no_zero(stocked: ViewsSite) -> None:
    blocks = stocked.blocks("datastore-card", STORE)
    assert facts(blocks)["Occupied in the pool"] == {"kind": "bar", "value": None, "of": 4 * GIB}
    assert facts(blocks)["Snapshots"]["value"] is None, "the system does not offer them, which is not none"
    assert trend(blocks, "Capacity") == {
        "type": "trend", "title": "Capacity", "unit": "bytes", "series": [], "empty": NOTHING,
    }  # fmt: skip
    assert trend(blocks, "Latency at the slowest host")["series"] == []


def test_a_trend_has_holes_where_nobody_can_tell(stocked: ViewsSite) -> None:
    stocked.array.history = [
        measured(0, allocated_bytes=1 * GIB, read_bytes=0, series="a"),
        measured(10, allocated_bytes=2 * GIB, read_bytes=1000, series="a"),
        measured(20, read_bytes=10, series="b"),
        measured(30, allocated_bytes=3 * GIB, read_bytes=510, series="b"),
    ]
    blocks = stocked.blocks("datastore-storage", STORE)
    ((_, allocated),) = [(each["label"], each["points"]) for each in trend(blocks, "Capacity")["series"]]
    assert [value for _, value in allocated] == [1 * GIB, 2 * GIB, None, 3 * GIB]
    (read,) = trend(blocks, "Throughput")["series"]
    assert read["label"] == "Read" and [value for _, value in read["points"]] == [100.0, None, 50.0]
    assert facts(blocks)["Occupied in the pool"]["value"] == 3 * GIB


def test_latency_is_that_of_the_slowest_host(stocked: ViewsSite) -> None:
    uuid = str(stocked.vc.named(STORE).get("info.vmfs.uuid"))
    for name, samples in ((HOST, (3, 5)), ("esx-02.example.test", (4, 1))):
        host = stocked.vc.named(name)
        stocked.vc.performance.put(host, "datastore.totalReadLatency.average", samples, instance=uuid)
    (series,) = trend(stocked.blocks("datastore-card", STORE), "Latency at the slowest host")["series"]
    assert series["label"] == "Read" and [value for _, value in series["points"]] == [4.0, 5.0]


def test_a_datastore_that_is_none_of_ours_says_why(site: ViewsSite) -> None:
    assert notices(site.blocks("datastore-card", STORE)) == [
        "No storage system here has the volume behind the datastore datastore-001."
    ]
    assert "Datenspeicher" in notices(site.blocks("datastore-card", STORE, locale="de-DE"))[0]


def test_a_datastore_that_lies_on_no_volume_says_so(site: ViewsSite) -> None:
    (said,) = notices(site.blocks("datastore-card", "south-files"))
    assert said.startswith("The datastore south-files is of type NFS41")


def test_a_silent_system_may_have_the_volume(stocked: ViewsSite) -> None:
    stocked.array.silence = sites.silent
    (said,) = notices(stocked.blocks("datastore-card", STORE))
    assert said.startswith("The storage system array does not answer, and the volume behind")


def test_a_page_shows_the_rest_when_a_system_does_not_answer(stocked: ViewsSite) -> None:
    local = stocked.systems["local"].storage(stocked.root)
    done(stocked.systems["local"]._engine, local.volumes.create(VolumeRequest("mine", GIB, "memory")))
    assert {each["system"] for each in rows(stocked.blocks("volumes"), "volumes")} == {"array", "local"}
    stocked.array.silence = sites.silent
    blocks = stocked.blocks("volumes")
    assert [each["name"] for each in rows(blocks, "volumes")] == ["mine"]
    assert notices(blocks) == ["The storage system array does not answer. What it has is missing here."]
    assert "192.0.2.7" not in str(blocks), "a tenant's people are not told of the installation's network"


def test_a_system_that_hangs_costs_the_page_its_time_once(tmp_path: Path) -> None:
    with views_site(tmp_path, seconds=1.5) as site:
        begun, go_on = threading.Semaphore(0), threading.Event()

        def hang() -> None:
            begun.release()
            assert go_on.wait(60)

        site.array.silence = hang
        for _ in range(4):
            assert notices(site.blocks("pools")) == [
                "The storage system array does not answer. What it has is missing here."
            ]
        asked = 0
        while begun.acquire(blocking=False):
            asked += 1
        go_on.set()
        assert 0 < asked <= 8, "it is not asked for ever by more and more threads"
        site.array.silence = None
        until(lambda: not notices(site.blocks("pools")))


def test_volumes_are_shown_with_the_datastores_on_them(stocked: ViewsSite) -> None:
    blocks = stocked.blocks("volumes")
    assert [(each["name"], each["datastore"], each["pool"], each["profile"]) for each in rows(blocks, "volumes")] == [
        ("volume-3", "", "fast", "gold"),
        ("volume-2", "south-gold", "fast", "gold"),
        ("volume-1", STORE, "fast", "gold"),
    ]
    by_name = {row["cells"]["name"]["value"]: row for row in table(blocks, "volumes")["rows"]}
    assert by_name["volume-1"]["target"] == str(stocked.target(STORE))
    assert by_name["volume-3"]["target"] is None and by_name["volume-3"]["actions"] == []


def test_rows_offer_what_the_readers_role_may_do(tmp_path: Path) -> None:
    offered = {}
    for number, role in enumerate((sites.VIEWERS, sites.MANAGERS)):
        (tmp_path / str(number)).mkdir()
        with views_site(tmp_path / str(number), role=role) as site:
            site.array.volumes.append(volume(1, site.disk(STORE)))
            (row,) = table(site.blocks("volumes"), "volumes")["rows"]
            offered[role.name] = row["actions"]
    assert not {"expand", "delete"} & set(offered["Viewers"])
    assert {"expand", "delete", "mount", "unmount"} <= set(offered["Managers"])


def test_who_is_confined_to_a_datacenter_sees_nothing_of_the_others(stocked: ViewsSite) -> None:
    assert {each["datastore"] for each in rows(stocked.blocks("volumes", user=BERND), "volumes")} == {
        "", "south-gold",
    }  # fmt: skip
    assert [each["host"] for each in rows(stocked.blocks("hosts", user=BERND), "hosts")] == ["esx-south.example.test"]
    overview = facts(stocked.blocks("overview", user=BERND))
    assert (overview["Hosts"]["value"], overview["Datastores"]["value"]) == (1, 2)
    for page in [view.id for view in VIEWS if not view.kind]:
        said = str(stocked.blocks(page, user=BERND))
        assert "esx-01" not in said and STORE not in said, page
    for view, on in (("datastore-card", STORE), ("host-card", HOST), ("vm-disks", "vm-001")):
        with pytest.raises(NotFound, match="may not see it"):
            stocked.blocks(view, on, user=BERND)


def test_the_same_pages_show_all_of_it_to_who_may(stocked: ViewsSite) -> None:
    assert [each["host"] for each in rows(stocked.blocks("hosts"), "hosts")] == [
        "esx-01.example.test", "esx-02.example.test", "esx-south.example.test",
    ]  # fmt: skip
    assert facts(stocked.blocks("overview"))["Datastores"]["value"] == 4


def test_hosts_are_matched_with_the_storages_by_their_initiators(tmp_path: Path) -> None:
    with views_site(tmp_path, role=sites.MANAGERS) as site:
        iqn = site.blocks("host-card", HOST)
        name = facts(iqn)["Initiator"]["value"]
        site.array.hosts += [
            Host("h1", "t1", "first", MOMENT, MOMENT, initiators=(Initiator("iscsi", name),)),
            Host("h2", "t1", "elsewhere", MOMENT, MOMENT, initiators=(Initiator("iscsi", "iqn.2026-01.test:far"),)),
        ]
        blocks = site.blocks("hosts")
        known = {each["host"]: each["known"] for each in rows(blocks, "hosts")}
        assert known[HOST] == "array: first" and known["esx-02.example.test"] == ""
        assert [each["name"] for each in rows(blocks, "others")] == ["elsewhere"]


def test_other_hosts_of_the_storage_are_for_those_who_look_after_hosts(stocked: ViewsSite) -> None:
    stocked.array.hosts.append(Host("h2", "t1", "elsewhere", MOMENT, MOMENT))
    assert "elsewhere" not in str(stocked.blocks("hosts"))


def test_a_hosts_card_says_what_keeps_it_from_our_storage(stocked: ViewsSite) -> None:
    found = facts(stocked.blocks("host-card", HOST))
    assert found["Datastores on volumes of Isthmus"]["value"] == 1 and found["Datastores in all"]["value"] == 2
    assert found["Connection"]["value"] == "ok" and found["Software iSCSI adapter"]["value"] == "ok"
    host = stocked.vc.named(HOST)
    host.set_connection("notResponding")
    until(lambda: facts(stocked.blocks("host-card", HOST))["Connection"]["value"] == "error")
    blocks = stocked.blocks("host-card", HOST)
    assert "Settings that differ from the rules" not in facts(blocks), "nobody has read them"
    host.set_connection("connected")
    host.system("storageSystem").UpdateSoftwareInternetScsiEnabled(None, False)
    off = facts(stocked.blocks("host-card", HOST))["Software iSCSI adapter"]
    assert off == {"kind": "state", "value": "error", "text": "vmhba64: Off"}


def test_each_disk_of_a_machine_leads_to_its_volume(stocked: ViewsSite) -> None:
    machine = stocked.vc.named("south-vm")
    (row,) = rows(stocked.blocks("vm-disks", "south-vm"), "disks")
    assert (row["disk"], row["size"], row["datastore"]) == ("Hard disk 1", 16 * GIB, "south-gold")
    assert (row["volume"], row["pool"], row["profile"], row["system"]) == ("volume-2", "fast", "gold", "array")
    disks = [each for each in machine.get("config.hardware.device") if isinstance(each, vim.vm.device.VirtualDisk)]
    assert row["file"] == disks[0].backing.fileName


def test_pools_that_are_not_well_come_first_and_on_the_overview(stocked: ViewsSite) -> None:
    assert notices(stocked.blocks("overview")) == ["Nothing needs attention."]
    stocked.array.pools.append(pool("broken", PoolState.UNAVAILABLE, id="pool2", reason="Two disks are gone."))
    (first, *_) = rows(stocked.blocks("pools"), "pools")
    assert (first["name"], first["state"], first["reason"]) == ("broken", "Not available", "Two disks are gone.")
    assert "The pool broken of array is not available." in notices(stocked.blocks("overview"))


def test_what_our_alarms_are_up_for_is_on_the_overview_and_on_the_datastore(stocked: ViewsSite) -> None:
    stocked.survey(filling=20.0)
    assert notices(stocked.blocks("overview")) == ["The pool fast behind datastore-001, south-gold is 30 % full."]
    for view in ("datastore-card", "datastore-storage"):
        assert notices(stocked.blocks(view, STORE)) == ["The pool fast behind datastore-001 is 30 % full."]
    assert notices(stocked.blocks("overview", locale="de")) == [
        "Der Pool fast hinter datastore-001, south-gold ist zu 30 % voll."
    ]
    assert notices(stocked.blocks("overview", user=BERND)) == ["The pool fast behind south-gold is 30 % full."]
    del stocked.array.volumes[0]
    stocked.survey()
    (gone,) = [each for each in stocked.blocks("overview") if each["type"] == "notice"]
    assert (gone["level"], gone["text"]) == (
        "error", "The volume volume-1 behind datastore-001 is no longer in storage system array.",
    )  # fmt: skip
    assert notices(stocked.blocks("datastore-card", STORE))[0] == gone["text"]
    assert notices(stocked.blocks("overview", user=BERND)) == ["Nothing needs attention."]


def test_what_is_told_is_as_it_is_now_and_names_no_endless_list(
    stocked: ViewsSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked.survey(filling=20.0)
    stocked.array.pools[0] = replace(stocked.array.pools[0], used=35 * GIB)
    stocked.survey(filling=20.0)
    monkeypatch.setattr(raised, "_MOST_NAMES", 1)
    assert notices(stocked.blocks("overview")) == ["The pool fast behind datastore-001 and 1 more is 35 % full."]


def test_hosts_that_are_gone_are_on_the_overview_of_who_sees_the_alarm(stocked: ViewsSite) -> None:
    for system in ("local", "array"):
        facts = {f"{system}/h7": {"name": "vCenter", "hosts": "esx-07"}}
        stocked.memory.put(replace(stocked.memory.get(ROOT), raised={HOSTS.name: Raised(STALE_HOSTS.name, facts)}))
        (told,) = [each for each in stocked.blocks("overview") if each["type"] == "notice"]
        said = f"Volumes of storage system {system} are attached to host esx-07, which this vCenter no longer has."
        assert told["text"] == said
        assert ("isthmus attachment list --where host=h7" in told["cure"]) is (system == "local")
    assert notices(stocked.blocks("overview", user=BERND)) == ["Nothing needs attention."]


@pytest.mark.parametrize("kind", [each.name for alarm in ALARMS for each in alarm.worse])
def test_every_kind_of_alarm_has_its_sentence_and_its_cure(kind: str) -> None:
    assert texts().has(f"shown.raised.{kind}") and texts().has(f"shown.raised.{kind}.cure")


def test_the_overview_counts(stocked: ViewsSite) -> None:
    found = facts(stocked.blocks("overview"))
    assert (found["Storage systems"]["value"], found["Pools"]["value"]) == (2, 3)
    assert found["Volumes"]["value"] == 3
    assert found["Used of the pools"]["value"] == 30 * GIB


def test_operations_that_wait_for_a_person_are_told_first(stocked: ViewsSite) -> None:
    engine = stocked.systems["local"]._engine
    made = engine.volumes.create(stocked.root, VolumeRequest("one", GIB, "memory"))
    done(engine, made)
    (row,) = rows(stocked.blocks("operations"), "operations")
    assert (row["operation"], row["state"], row["progress"]) == ("Create volume", "Done", 100)
    assert row["object"] == "one"
    assert row["user"] == "admin" != stocked.root.user, "an id tells nobody who it was"
    assert rows(stocked.blocks("operations", locale="de"), "operations")[0]["operation"] == "Volume anlegen"


def test_events_are_shown_newest_first(stocked: ViewsSite) -> None:
    engine = stocked.systems["local"]._engine
    for name in ("one", "two"):
        done(engine, engine.volumes.create(stocked.root, VolumeRequest(name, GIB, "memory")))
    until(lambda: len(rows(stocked.blocks("events"), "events")) >= 2)
    found = rows(stocked.blocks("events"), "events")
    assert [each["name"] for each in found if each["event"] == "Volume created"] == ["two", "one"]
    times = [each["time"] for each in found]
    assert times == sorted(times, reverse=True)
    assert {each["user"] for each in found} == {"admin"}


def test_what_happened_to_an_attachment_is_told_with_its_volume_and_its_host(stocked: ViewsSite) -> None:
    engine, root = stocked.systems["local"]._engine, stocked.root
    volume = done(engine, engine.volumes.create(root, VolumeRequest("mine", GIB, "shared"))).result["volume"]
    host = engine.hosts.ensure(root, HostRequest("esx-09", (Initiator("iscsi", "iqn.2026-01.test:esx-09"),)))
    attached = done(engine, engine.attachments.create(root, AttachmentRequest(volume, host.id))).result["attachment"]

    def told() -> dict[str, Any]:
        return {each["event"]: each["name"] for each in rows(stocked.blocks("events"), "events")}

    until(lambda: told().get("Attachment created") == "mine to esx-09")
    done(engine, engine.attachments.delete(root, attached))
    done(engine, engine.volumes.delete(root, volume))
    until(lambda: "Volume deleted" in told())
    assert told()["Attachment deleted"] == "mine to esx-09", "as it was called while it was there"


def test_every_operation_of_the_core_has_a_name(stocked: ViewsSite) -> None:
    kinds = {kind for kind, _ in stocked.systems["local"]._engine.parts.flows._flows}
    assert kinds and [each for each in kinds if not texts().has(f"shown.kind.{each}")] == []


def ended(site: ViewsSite, action: str, moid: str, state: str, **result: Any) -> str:
    """Let an operation of the plug-in on the datastore with this id have ended so; returns its id."""
    engine, where = site.systems["local"]._engine, schema.operations
    made = done(engine, engine.volumes.create(site.root, VolumeRequest("some", GIB, "memory")))
    values = {
        "kind": f"vsphere.{action}", "resource_type": "Datastore", "state": state, "result": result,
        "resource": str(ObjectId("Datastore", moid, site.vc.guid)),
    }  # fmt: skip
    database = engine.parts.database
    database.change(lambda tx: tx.execute(where.update().where(where.c.id == made.id).values(**values)))
    operation = engine.operations.get(site.root, made.id)
    database.change(lambda tx: FailureMessage(engine.parts.announce)(tx, operation))
    return str(made.id)


def test_an_operations_end_is_told_with_what_it_was_and_what_it_was_on(stocked: ViewsSite) -> None:
    moid = stocked.vc.named(STORE).moid
    expand = ended(stocked, "expand", moid, "failed", subject=STORE)
    ended(stocked, "clone", moid, "needs_attention", subject=STORE)
    ended(stocked, "delete", "datastore-9999", "failed", subject="silver")

    def told(**more: Any) -> list[tuple[str, str]]:
        found = rows(stocked.blocks("events", **more), "events")
        return [(each["event"], each["name"]) for each in found if each["name"] != "some"]

    until(lambda: "silver" in str(told()))
    assert told() == [
        ("Delete Datastore and Volume: Failed", "silver"),
        ("Clone Datastore: Waits for a decision", STORE),
        ("Expand Datastore: Failed", STORE),
    ]
    assert told(locale="de")[0][0] == "Datenspeicher und Volume löschen: Fehlgeschlagen"
    assert STORE not in str(stocked.blocks("events", user=BERND)), "he does not see the datastore"
    assert expand in str(stocked.blocks("events")), "it leads to the operation"


def test_an_object_that_is_gone_is_called_as_when_the_operation_on_it_began(stocked: ViewsSite) -> None:
    ended(stocked, "delete", "datastore-9999", "done", subject="silver")
    (row,) = rows(stocked.blocks("operations"), "operations")
    assert (row["operation"], row["object"]) == ("Delete Datastore and Volume", "silver")


def test_systems_are_told_without_their_addresses_to_who_does_not_run_them(stocked: ViewsSite) -> None:
    blocks = stocked.blocks("systems")
    (row,) = rows(blocks, "systems")
    assert (row["name"], row["product"], row["health"]) == ("local", "Isthmus", "Answers")
    assert "address" not in row and table(blocks, "systems")["actions"] == []


def test_long_lists_are_cut_and_say_so(stocked: ViewsSite) -> None:
    assert not table(stocked.blocks("volumes"), "volumes")["more"]
    stocked.array.volumes += [volume(number) for number in range(10, 260)]
    found = table(stocked.blocks("volumes"), "volumes")
    assert len(found["rows"]) == 200 and found["more"]
    assert found["rows"][0]["cells"]["name"]["value"] == "volume-259"


def test_a_vcenter_that_is_not_watched_leaves_the_storages_side(stocked: ViewsSite) -> None:
    stocked.blocks("volumes")
    stocked.vc.trouble("WaitForUpdatesEx", fault=vim.fault.NotAuthenticated(), times=1000)
    stocked.vc.trouble("Login", fault=vim.fault.InvalidLogin(), times=1000)
    for each in stocked.vc.sessions.all():
        if "svc" in each.user.lower():
            stocked.vc.sessions.close(each)
    until(lambda: stocked.watches.inventory(stocked.vc.guid).reason)
    blocks = stocked.blocks("volumes")
    assert any("is not being watched now" in each for each in notices(blocks))
    assert len(rows(blocks, "volumes")) == 3


def test_there_is_no_page_but_those_that_are_declared(site: ViewsSite) -> None:
    with pytest.raises(NotFound):
        site.blocks("elsewhere")
    with pytest.raises(NotFound):
        site.blocks("datastore-card", HOST)
    with pytest.raises(NotFound):
        site.views.content("overview", site.context(ANNA), ObjectId("", "", "no-such-guid"), "en")


def test_whose_session_has_ended_sees_nothing(site: ViewsSite) -> None:
    context = site.context(ANNA)
    site.views.content("overview", context, site.target(), "en")
    site.people.forget(site.vc.guid)
    with pytest.raises(Unauthenticated):
        site.views.content("overview", context, site.target(), "en")


@pytest.mark.parametrize("locale", ["en-US", "de-DE", "zh-CN"])
def test_every_page_is_whole_in_every_language(stocked: ViewsSite, locale: str) -> None:
    stocked.array.snapshots = [snapshot(1)]
    on = {"Datastore": STORE, "HostSystem": HOST, "VirtualMachine": "vm-001", "": ""}
    for view in VIEWS:
        for text in _words(stocked.blocks(view.id, on[view.kind], locale=locale)):
            assert text and not text.startswith(("shown.", "reason.", "state.")), f"{view.id}: {text}"


def _words(part: Any) -> Iterator[str]:
    """What is said beside values."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("title", "label", "empty") and isinstance(value, str):
                yield value
            else:
                yield from _words(value)
    elif isinstance(part, list):
        for each in part:
            yield from _words(each)
