"""Replication through Swordfish: what the engine can do is done, all else is neither shown nor taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.swordfish.volume_world import GIB, World, said, volume_world

CREATE = "Volume.CreateReplicaTarget"
REMOVE = "Volume.RemoveReplicaRelationship"
NOT_OFFERED = [
    "Volume.AssignReplicaTarget",
    "Volume.SplitReplication",
    "Volume.SuspendReplication",
    "Volume.ResumeReplication",
    "Volume.ReverseReplicationRelationship",
    "Volume.Initialize",
    "Volume.CheckConsistency",
    "Volume.ForceEnable",
    "Volume.ChangeRAIDLayout",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("replication")) as made:
        yield made


@pytest.fixture(scope="module")
def source(world: World) -> dict[str, Any]:
    """A volume without replicas, for requests that must leave it so."""
    return world.volume("source")


def _targets(volume: dict[str, Any]) -> list[str]:
    found = [one["@odata.id"] for one in volume["ReplicaTargets"]]
    assert volume["ReplicaTargets@odata.count"] == len(found)
    return found


def test_a_snapshot_is_a_volume_that_knows_its_source_and_its_source_knows_it(world: World) -> None:
    volume = world.volume("pictured", 2 * GIB)
    snapshot = world.replica(volume, "Snapshot", "as it was")
    assert snapshot["Name"] == "as it was"
    assert snapshot["CapacityBytes"] == 2 * GIB
    info = snapshot["ReplicaInfo"]
    assert info["ReplicaType"] == "Snapshot"
    assert info["SourceReplica"]["@odata.id"] == volume["@odata.id"]
    assert (info["ReplicaState"], info["ReplicaProgressStatus"]) == ("Synchronized", "Completed")
    assert "AccessCapabilities" not in snapshot
    after = world.client.body(volume["@odata.id"])
    assert _targets(after) == [snapshot["@odata.id"]]
    assert after["@odata.etag"] != volume["@odata.etag"]
    assert snapshot["@odata.id"] in world.client.members(world.volumes)


def test_a_clone_is_a_volume_with_its_source(world: World) -> None:
    volume = world.volume("original")
    clone = world.replica(volume, "Clone")
    assert clone["Name"] == "Clone of original"
    assert clone["ReplicaInfo"]["ReplicaType"] == "Clone"
    assert clone["ReplicaInfo"]["SourceReplica"]["@odata.id"] == volume["@odata.id"]
    assert "ReplicaState" not in clone["ReplicaInfo"]
    assert clone["Links"]["ClassOfService"] == volume["Links"]["ClassOfService"]
    assert _targets(world.client.body(volume["@odata.id"])) == [clone["@odata.id"]]


def test_a_volume_is_made_from_a_snapshot(world: World) -> None:
    snapshot = world.replica(world.volume("stem"), "Snapshot")
    assert world.client.body(snapshot["@odata.id"])["Actions"][f"#{CREATE}"]["ReplicaType@Redfish.AllowableValues"] == [
        "Clone"
    ]
    copy = world.replica(snapshot, "Clone", "from a snapshot")
    assert copy["ReplicaInfo"]["SourceReplica"]["@odata.id"] == snapshot["@odata.id"]
    assert _targets(world.client.body(snapshot["@odata.id"])) == [copy["@odata.id"]]
    answer = world.replicate(snapshot, "Snapshot")
    assert (answer.status_code, said(answer)) == (400, ["ActionParameterValueNotInList"])


def test_replicas_that_went_are_no_targets_any_more(world: World) -> None:
    volume = world.volume("left")
    replicas = [world.replica(volume, kind) for kind in ("Snapshot", "Clone", "Clone", "Snapshot", "Clone")]
    there = [replica["@odata.id"] for replica in replicas]
    for replica in replicas:
        assert sorted(_targets(world.client.body(volume["@odata.id"]))) == sorted(there)
        assert world.client.finished(world.client.delete(replica["@odata.id"])).status_code == 204
        there.remove(replica["@odata.id"])
    assert _targets(world.client.body(volume["@odata.id"])) == []


def test_a_copy_whose_source_went_is_no_replica_any_more(world: World) -> None:
    volume = world.volume("parent")
    clone = world.replica(volume, "Clone")
    assert world.client.finished(world.client.delete(volume["@odata.id"])).status_code == 204
    after = world.client.body(clone["@odata.id"])
    assert "ReplicaInfo" not in after
    assert after["Status"] == {"State": "Enabled", "Health": "OK"}


@pytest.mark.parametrize("kind", ["Snapshot", "Clone"])
def test_a_relationship_ends_with_its_target(world: World, kind: str) -> None:
    volume = world.volume("related")
    target = world.replica(volume, kind)["@odata.id"]
    uri = f"{volume['@odata.id']}/Actions/{REMOVE}"
    for body in ({"TargetVolume": target}, {"TargetVolume": target, "DeleteTargetVolume": False}):
        answer = world.client.post(uri, body)
        assert (answer.status_code, said(answer)) == (400, ["ActionParameterValueError"])
    assert _targets(world.client.body(volume["@odata.id"])) == [target]
    answer = world.client.finished(world.client.post(uri, {"TargetVolume": target, "DeleteTargetVolume": True}))
    assert answer.status_code == 204
    assert world.client.get(target).status_code == 404
    after = world.client.body(volume["@odata.id"])
    assert _targets(after) == []
    assert f"#{REMOVE}" not in after["Actions"]


@pytest.mark.parametrize("which", ["itself", "another", "nothing", "elsewhere"])
def test_only_a_target_of_the_volume_can_be_removed(world: World, which: str) -> None:
    volume, other = world.volume("mine"), world.volume("other")
    target = world.replica(volume, "Snapshot")["@odata.id"]
    named = {
        "itself": volume["@odata.id"],
        "another": other["@odata.id"],
        "nothing": "",
        "elsewhere": target.replace("StorageServices", "Storage"),
    }[which]
    uri = f"{volume['@odata.id']}/Actions/{REMOVE}"
    answer = world.client.post(uri, {"TargetVolume": named, "DeleteTargetVolume": True})
    assert (answer.status_code, said(answer)) == (400, ["ActionParameterValueError"])
    assert _targets(world.client.body(volume["@odata.id"])) == [target]


@pytest.mark.parametrize("name", NOT_OFFERED)
def test_an_action_that_the_engine_has_not_is_neither_shown_nor_taken(
    world: World, source: dict[str, Any], name: str
) -> None:
    assert f"#{name}" not in source["Actions"]
    answer = world.client.post(f"{source['@odata.id']}/Actions/{name}", {"TargetVolume": source["@odata.id"]})
    assert (answer.status_code, said(answer)) == (400, ["ActionNotSupported"])


def test_an_action_of_no_volume_is_missing(world: World, source: dict[str, Any]) -> None:
    assert world.client.post(f"{source['@odata.id']}/Actions/Volume.Paint", {}).status_code == 404


@pytest.mark.parametrize(
    ("changed", "messages"),
    [
        ({"ReplicaType": "Mirror"}, ["ActionParameterValueNotInList"]),
        ({"ReplicaType": "TokenizedClone"}, ["ActionParameterValueNotInList"]),
        ({"ReplicaType": 5}, ["ActionParameterValueTypeError"]),
        ({"ReplicaType": None}, ["ActionParameterValueTypeError"]),
        ({"ReplicaUpdateMode": "Active"}, ["ActionParameterValueNotInList"]),
        ({"ReplicaUpdateMode": ""}, ["ActionParameterValueNotInList"]),
        ({"TargetStoragePool": "/redfish/v1/Storage/a/StoragePools/b"}, ["ActionParameterValueNotInList"]),
        ({"TargetStoragePool": {"@odata.id": "/x"}}, ["ActionParameterValueTypeError"]),
        ({"VolumeName": ""}, ["ActionParameterValueFormatError"]),
        ({"VolumeName": " a "}, ["ActionParameterValueError"]),
        ({"Colour": 1}, ["ActionParameterUnknown"]),
    ],
    ids=str,
)
def test_a_bad_parameter_copies_nothing(
    world: World, source: dict[str, Any], changed: dict[str, Any], messages: list[str]
) -> None:
    tasks = world.tasks()
    pool = source["Links"]["ProvidingStoragePool"]["@odata.id"]
    good = {"ReplicaType": "Snapshot", "ReplicaUpdateMode": "Adaptive", "TargetStoragePool": pool}
    answer = world.client.post(f"{source['@odata.id']}/Actions/{CREATE}", {**good, **changed})
    assert (answer.status_code, said(answer)) == (400, messages)
    assert world.tasks() == tasks
    assert world.client.body(source["@odata.id"]) == source


def test_every_required_parameter_is_asked_for(world: World, source: dict[str, Any]) -> None:
    answer = world.client.post(f"{source['@odata.id']}/Actions/{CREATE}", {})
    assert (answer.status_code, said(answer)) == (400, ["ActionParameterMissing"] * 3)


def test_an_action_holds_to_its_condition(world: World, source: dict[str, Any]) -> None:
    uri = f"{source['@odata.id']}/Actions/{CREATE}"
    assert world.client.post(uri, {}, headers={"If-Match": '"other"'}).status_code == 412


def test_no_copy_is_promised_under_an_entity_tag(world: World, source: dict[str, Any]) -> None:
    pool = source["Links"]["ProvidingStoragePool"]["@odata.id"]
    good = {"ReplicaType": "Snapshot", "ReplicaUpdateMode": "Adaptive", "TargetStoragePool": pool}
    uri, tasks = f"{source['@odata.id']}/Actions/{CREATE}", world.tasks()
    tag = {"If-Match": world.client.body(source["@odata.id"])["@odata.etag"]}
    answer = world.client.post(uri, good, headers=tag)
    assert (answer.status_code, said(answer)) == (400, ["HeaderInvalid"])
    assert world.tasks() == tasks
    made = world.made(world.client.post(uri, good, headers={"If-Match": "*"}))
    removing = f"{source['@odata.id']}/Actions/{REMOVE}"
    away = {"TargetVolume": made["@odata.id"], "DeleteTargetVolume": True}
    tag = {"If-Match": world.client.body(source["@odata.id"])["@odata.etag"]}
    assert world.client.post(removing, away, headers=tag).status_code == 400
    assert world.client.finished(world.client.post(removing, away)).status_code == 204
