"""Volumes and snapshots through Swordfish: made, read, listed, changed and removed; bad input leaves all as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.environment.redfish import PASSWORD
from tests.integration.swordfish.volume_world import GIB, World, related, said, volume_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("volumes"), granularity=4096) as made:
        yield made


@pytest.fixture(scope="module")
def kept(world: World) -> dict[str, Any]:
    """A volume that bad requests must leave alone."""
    return world.volume("kept")


def test_a_volume_is_made_by_its_class_of_service(world: World) -> None:
    answer = world.client.post(world.volumes, world.body("by-class", 3 * GIB))
    assert answer.status_code == 201
    made = answer.json()
    assert made["Name"] == made["DisplayName"] == "by-class"
    assert made["CapacityBytes"] == made["Capacity"]["Data"]["ProvisionedBytes"] == 3 * GIB
    assert made["Links"]["ClassOfService"]["@odata.id"] == world.classes["memory"]
    assert made["Links"]["OwningStorageService"]["@odata.id"] == world.home
    assert made["ProvisioningPolicy"] == "Thin"
    assert made["Capacity"]["IsThinProvisioned"] is True
    assert made["Status"] == {"State": "Enabled", "Health": "OK"}
    assert {one["DurableNameFormat"] for one in made["Identifiers"]} == {"NAA", "UUID"}
    assert world.client.body(answer.headers["Location"]) == made


def test_what_a_volume_links_to_is_there(world: World) -> None:
    links = world.volume("linked")["Links"]
    for name in ("ClassOfService", "OwningStorageService", "OwningStorageResource", "ProvidingStoragePool"):
        assert world.client.body(links[name]["@odata.id"])["@odata.id"] == links[name]["@odata.id"]


@pytest.mark.parametrize("name", ["AllocatedBytes", "ProvisionedBytes"])
def test_the_size_may_be_said_as_a_capacity(world: World, name: str) -> None:
    body = world.body("capacity")
    del body["CapacityBytes"]
    made = world.made(world.client.post(world.volumes, {**body, "Capacity": {"Data": {name: 2 * GIB}}}))
    assert made["CapacityBytes"] == 2 * GIB


def test_what_the_capabilities_say_is_enough_to_make_a_volume(world: World) -> None:
    shown = world.client.body(world.volumes)
    assert shown["@Redfish.OperationApplyTimeSupport"]["SupportedValues"] == ["Immediate", "AtMaintenanceWindowStart"]
    (capability,) = shown["@Redfish.CollectionCapabilities"]["Capabilities"]
    assert capability["Links"]["TargetCollection"]["@odata.id"] == world.volumes
    wanted = world.client.body(capability["CapabilitiesObject"]["@odata.id"])
    values = {"Name": "as-told", "CapacityBytes": GIB}
    required = {name.partition("@")[0] for name in wanted if name.endswith("@Redfish.RequiredOnCreate")}
    assert required == set(values)
    allowed = wanted["Links"]["ClassOfService@Redfish.AllowableValues"]
    assert world.classes["memory"] in allowed
    links = {"ClassOfService": {"@odata.id": world.classes["memory"]}}
    answer = world.client.post(world.volumes, {**values, "Links": links, "@Redfish.OperationApplyTime": "Immediate"})
    assert answer.status_code == 201


def test_another_apply_time_is_refused(world: World) -> None:
    answer = world.client.post(world.volumes, {**world.body("later"), "@Redfish.OperationApplyTime": "OnReset"})
    assert (answer.status_code, said(answer)) == (400, ["PropertyValueNotInList"])


def test_a_change_for_a_later_time_is_refused_and_not_made(world: World, kept: dict[str, Any]) -> None:
    later = {"DisplayName": "later", "@Redfish.SettingsApplyTime": {"ApplyTime": "OnReset"}}
    answer = world.client.patch(kept["@odata.id"], later)
    assert (answer.status_code, said(answer)) == (400, ["PropertyValueNotInList"])
    assert world.client.body(kept["@odata.id"]) == kept


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"Name": None}, "PropertyValueTypeError", "/Name"),
    ({"Name": ""}, "PropertyValueFormatError", "/Name"),
    ({"Name": "a/b"}, "PropertyValueFormatError", "/Name"),
    ({"CapacityBytes": "abc"}, "PropertyValueTypeError", "/CapacityBytes"),
    ({"CapacityBytes": 1.5}, "PropertyValueTypeError", "/CapacityBytes"),
    ({"CapacityBytes": True}, "PropertyValueTypeError", "/CapacityBytes"),
    ({"CapacityBytes": -5}, "PropertyValueOutOfRange", "/CapacityBytes"),
    ({"CapacityBytes": 0}, "PropertyValueOutOfRange", "/CapacityBytes"),
    ({"CapacityBytes": 1 << 70}, "PropertyValueOutOfRange", "/CapacityBytes"),
    ({"Capacity": {"Data": {"AllocatedBytes": 2 * GIB}}}, "PropertyValueConflict", "/Capacity/Data/AllocatedBytes"),
    ({"Capacity": {"Data": {"ConsumedBytes": 2 * GIB}}}, "PropertyUnknown", "/Capacity/Data/ConsumedBytes"),
    ({"DisplayName": "other"}, "PropertyValueConflict", "/DisplayName"),
    ({"Colour": "blue"}, "PropertyUnknown", "/Colour"),
    ({"Status": {"State": "Enabled"}}, "PropertyNotWritable", "/Status"),
    ({"Id": "mine"}, "PropertyNotWritable", "/Id"),
    ({"Description": "mine"}, "PropertyNotWritable", "/Description"),
    ({"ReplicaInfo": {"ReplicaType": "Clone"}}, "PropertyNotWritable", "/ReplicaInfo"),
    ({"Links": {"Drives": []}}, "PropertyUnknown", "/Links/Drives"),
    ({"Links": {"ClassOfService": {}}}, "PropertyMissing", "/Links/ClassOfService/@odata.id"),
    ({"Links": {"ProvidingStoragePool": {"@odata.id": "/x"}}}, "PropertyNotWritable", "/Links/ProvidingStoragePool"),
]


@pytest.mark.parametrize(("changed", "message", "pointer"), BAD, ids=[str(bad[0])[:40] for bad in BAD])
def test_a_bad_body_makes_nothing_and_names_the_property(
    world: World, changed: dict[str, Any], message: str, pointer: str
) -> None:
    before, tasks = world.client.body(world.volumes)["Members@odata.count"], world.tasks()
    answer = world.client.post(world.volumes, {**world.body("bad"), **changed})
    assert (answer.status_code, said(answer)) == (400, [message])
    assert pointer in related(answer)
    assert (world.client.body(world.volumes)["Members@odata.count"], world.tasks()) == (before, tasks)


@pytest.mark.parametrize("uri", ["{home}/ClassesOfService/none", "{home}", "/redfish/v1", "", "{other}"])
def test_a_class_of_service_that_is_not_one_of_this_service_is_refused(world: World, uri: str) -> None:
    known = world.classes["memory"].rpartition("/")[2]
    named = uri.format(home=world.home, other=f"/redfish/v1/StorageServices/other/ClassesOfService/{known}")
    links = {"ClassOfService": {"@odata.id": named}}
    answer = world.client.post(world.volumes, {**world.body("foreign"), "Links": links})
    assert (answer.status_code, said(answer)) == (400, ["PropertyValueIncorrect"])
    assert related(answer) == ["/Links/ClassOfService/@odata.id"]


def test_a_class_of_service_of_another_tenant_is_refused(world: World) -> None:
    other = world.service.make("/v1/tenants", {"name": "other"})
    asked = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}
    theirs = world.service.make("/v1/profiles", {"name": "theirs", "properties": asked, "tenants": [other["id"]]})
    links = {"ClassOfService": {"@odata.id": f"{world.home}/ClassesOfService/{theirs['id']}"}}
    answer = world.client.post(world.volumes, {**world.body("foreign"), "Links": links})
    assert (answer.status_code, said(answer)) == (400, ["PropertyValueIncorrect"])


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("content", "kind", "status", "message"),
    [
        (b"{}", "application/json", 400, None),
        (b"", "application/json", 400, None),
        (b"no json", "application/json", 400, "MalformedJSON"),
        (b"[]", "application/json", 400, "MalformedJSON"),
        (b'"text"', "application/json", 400, "MalformedJSON"),
        (b'{"a":1,"a":2}', "application/json", 400, "MalformedJSON"),
        (b"\xff\xfe", "application/json", 400, "MalformedJSON"),
        (b"<a/>", "application/xml", 415, "HeaderInvalid"),
    ],
)
def test_what_is_no_json_object_changes_nothing(
    world: World, kept: dict[str, Any], method: str, content: bytes, kind: str, status: int, message: str | None
) -> None:
    path = world.volumes if method == "POST" else kept["@odata.id"]
    before = world.client.body(world.volumes)["Members@odata.count"]
    answer = world.client.request(method, path, data=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert said(answer)
    if message is not None:
        assert said(answer) == [message]
    assert world.client.body(kept["@odata.id"]) == kept
    assert world.client.body(world.volumes)["Members@odata.count"] == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"CapacityBytes": "abc"}, "PropertyValueTypeError"),
        ({"CapacityBytes": None}, "PropertyValueTypeError"),
        ({"CapacityBytes": -1}, "PropertyValueOutOfRange"),
        ({"CapacityBytes": GIB - 4096}, "PropertyValueError"),
        ({"Capacity": {"Data": {"AllocatedBytes": GIB - 4096}}}, "PropertyValueError"),
        ({"Capacity": {"Data": {"AllocatedBytes": "x"}}}, "PropertyValueTypeError"),
        ({"Capacity": {"Data": {}}}, "PropertyValueError"),
        ({"Capacity": {}}, "PropertyMissing"),
        ({"CapacityBytes": 2 * GIB, "Capacity": {"Data": {"AllocatedBytes": 3 * GIB}}}, "PropertyValueConflict"),
        ({"CapacityBytes": GIB - 4096, "DisplayName": "renamed"}, "PropertyValueError"),
        ({"CapacityBytes": 2 * GIB, "DisplayName": " renamed "}, "PropertyValueFormatError"),
        ({"DisplayName": ".."}, "PropertyValueFormatError"),
        ({"Name": "renamed"}, "PropertyNotWritable"),
        ({"Id": "x"}, "PropertyNotWritable"),
        ({"Links": {"ClassOfService": {"@odata.id": "/x"}}}, "PropertyNotWritable"),
        ({"Colour": 1}, "PropertyUnknown"),
        ({"@odata.id": "/x"}, "NoOperation"),
    ],
    ids=str,
)
def test_a_change_that_cannot_be_leaves_the_volume_as_it_was(
    world: World, kept: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    answer = world.client.patch(kept["@odata.id"], changes)
    assert (answer.status_code, said(answer)) == (400, [message])
    assert world.client.body(kept["@odata.id"]) == kept


@pytest.mark.parametrize("tag", ['"other"', '"a", "b"', "", 'W/"other"', "nonsense"])
def test_a_wrong_entity_tag_changes_nothing(world: World, kept: dict[str, Any], tag: str) -> None:
    uri, condition = kept["@odata.id"], {"If-Match": tag}
    assert world.client.patch(uri, {"DisplayName": "other"}, headers=condition).status_code == 412
    assert world.client.patch(uri, {"CapacityBytes": 2 * GIB}, headers=condition).status_code == 412
    assert world.client.delete(uri, headers=condition).status_code == 412
    assert world.client.body(uri) == kept


def test_what_is_acceptable_of_a_change_is_done_and_the_rest_said(world: World) -> None:
    volume = world.volume("mixed")
    answer = world.client.patch(volume["@odata.id"], {"DisplayName": "better", "Colour": 1})
    assert answer.status_code == 200
    assert answer.json()["DisplayName"] == "better"
    assert "Colour@Message.ExtendedInfo" in answer.json()


def test_a_volume_is_renamed_and_grown_in_one_change(world: World) -> None:
    volume = world.volume("small")
    tag = {"If-Match": volume["@odata.etag"]}
    answer = world.client.patch(volume["@odata.id"], {"DisplayName": "large", "CapacityBytes": 5 * GIB}, headers=tag)
    assert answer.status_code == 200
    grown = answer.json()
    assert (grown["Name"], grown["CapacityBytes"]) == ("large", 5 * GIB)
    assert grown["@odata.etag"] != volume["@odata.etag"]
    assert world.client.body(volume["@odata.id"]) == grown


def test_the_size_that_it_has_is_nothing_to_do(world: World, kept: dict[str, Any]) -> None:
    tasks = world.tasks()
    answer = world.client.patch(kept["@odata.id"], {"CapacityBytes": kept["CapacityBytes"]})
    assert (answer.status_code, answer.json()) == (200, kept)
    assert world.tasks() == tasks


def test_a_removed_volume_is_gone(world: World) -> None:
    volume = world.volume("short-lived")
    assert world.client.delete(volume["@odata.id"]).status_code == 204
    assert world.client.get(volume["@odata.id"]).status_code == 404
    assert world.client.delete(volume["@odata.id"]).status_code == 404


def test_a_volume_with_snapshots_is_not_removed(world: World) -> None:
    volume = world.volume("source")
    snapshot = world.replica(volume, "Snapshot")
    answer = world.client.delete(volume["@odata.id"])
    assert (answer.status_code, said(answer)) == (409, ["ResourceInUse"])
    assert world.client.delete(snapshot["@odata.id"]).status_code == 204
    assert world.client.delete(volume["@odata.id"]).status_code == 204


def test_a_snapshot_is_renamed_and_never_resized(world: World) -> None:
    snapshot = world.replica(world.volume("pictured"), "Snapshot")
    uri = snapshot["@odata.id"]
    assert world.client.patch(uri, {"DisplayName": "before the change"}).json()["Name"] == "before the change"
    answer = world.client.patch(uri, {"CapacityBytes": 2 * GIB})
    assert (answer.status_code, said(answer)) == (400, ["PropertyNotWritable"])


def test_an_attached_volume_shows_its_connection_and_both_ends(world: World) -> None:
    volume = world.volume("attached", of="odd")
    with world.service.server.session(tenant="default") as session:
        address = world.service.server.address
        names = [{"protocol": "iscsi", "name": "iqn.2026-01.example:there"}]
        host = session.post(f"{address}/v1/hosts", json={"name": "there", "initiators": names}).json()
        wanted = {"volume": volume["Id"], "host": host["id"]}
        attaching = session.post(f"{address}/v1/attachments", json=wanted).json()
        session.get(f"{address}/v1/operations/{attaching['id']}?wait=20")
        there = world.client.body(volume["@odata.id"])
        for ends in ([there["Connections"][0]], there["Links"]["ClientEndpoints"], there["Links"]["ServerEndpoints"]):
            (end,) = ends
            assert world.client.body(end["@odata.id"])["@odata.id"].startswith("/redfish/v1/Fabrics/iscsi/")
        refused = world.client.delete(volume["@odata.id"])
        assert (refused.status_code, said(refused)) == (409, ["ResourceInUse"])
        operation = session.delete(f"{address}/v1/attachments/{attaching['resource']}").json()["id"]
        session.get(f"{address}/v1/operations/{operation}?wait=20")
    after = world.client.body(volume["@odata.id"])
    assert after["Connections"] == []
    assert "ClientEndpoints" not in after["Links"]


def test_a_volume_that_is_not_there_is_missing(world: World, kept: dict[str, Any]) -> None:
    assert world.client.get(f"{world.volumes}/none").status_code == 404
    elsewhere = f"/redfish/v1/StorageServices/none/Volumes/{kept['Id']}"
    assert world.client.get(elsewhere).status_code == 404
    assert world.client.get("/redfish/v1/StorageServices/none/Volumes").status_code == 404


def test_a_tenant_makes_volumes_in_its_own_service_and_sees_no_others(world: World, kept: dict[str, Any]) -> None:
    tenant = world.service.make("/v1/tenants", {"name": "blue"})["id"]
    world.service.make("/v1/users", {"name": "blue", "tenant": tenant, "roles": ["member"], "password": PASSWORD})
    member, home = world.service.client("blue"), f"/redfish/v1/StorageServices/{tenant}"
    profile = world.classes["memory"].rpartition("/")[2]
    body = world.body("blue one", Links={"ClassOfService": {"@odata.id": f"{home}/ClassesOfService/{profile}"}})
    made = member.post(f"{home}/Volumes", body)
    assert made.status_code == 201
    assert member.members(f"{home}/Volumes") == [made.headers["Location"]]
    assert made.headers["Location"] not in world.client.members(world.volumes)
    mine, theirs = kept["Id"], made.json()["Id"]
    for uri in (kept["@odata.id"], f"{home}/Volumes/{mine}", world.volumes):
        assert member.get(uri).status_code == 404
    for answer in (member.patch(kept["@odata.id"], {"DisplayName": "x"}), member.delete(kept["@odata.id"])):
        assert answer.status_code == 404
    assert member.post(world.volumes, body).status_code == 404
    # One volume has one place, also for who may see all of them.
    assert world.client.get(f"{world.volumes}/{theirs}").status_code == 404
    assert world.client.body(kept["@odata.id"]) == kept


VOLUMES, SNAPSHOTS = 115, 12


@pytest.fixture(scope="module")
def crowd(world: World) -> tuple[str, list[str]]:
    """The volumes of a storage service that do not fit on a page, and what they are, as they were made."""
    tenant = world.service.make("/v1/tenants", {"name": "crowded"})["id"]
    home = f"/redfish/v1/StorageServices/{tenant}"
    profile = world.classes["memory"].rpartition("/")[2]
    links = {"ClassOfService": {"@odata.id": f"{home}/ClassesOfService/{profile}"}}
    made = [
        world.made(world.client.post(f"{home}/Volumes", world.body(f"one {number}", GIB * (number + 1), Links=links)))
        for number in range(VOLUMES)
    ]
    made += [world.replica(made[0], "Snapshot", f"moment {number}") for number in range(SNAPSHOTS)]
    return f"{home}/Volumes", [one["@odata.id"] for one in made]


def test_following_next_links_gives_every_volume_and_snapshot_once(world: World, crowd: tuple[str, list[str]]) -> None:
    volumes, whole = crowd
    first = world.client.body(volumes)
    assert (len(first["Members"]), first["Members@odata.count"]) == (100, len(whole))
    second = world.client.body(first["Members@odata.nextLink"])
    assert "Members@odata.nextLink" not in second
    assert [one["@odata.id"] for one in first["Members"] + second["Members"]] == whole
    for size in (1, 30, 100, len(whole) - 1, len(whole)):
        found: list[str] = []
        while len(found) < len(whole):
            page = world.client.body(f"{volumes}?$top={size}&$skip={len(found)}")
            assert page["Members@odata.count"] == len(whole)
            found += [member["@odata.id"] for member in page["Members"]]
        assert found == whole


@pytest.mark.parametrize("options", ["$skip=5", "$filter=CapacityBytes gt 0", "$expand=.", "$top=120", "$select=Name"])
def test_no_option_loses_members_that_do_not_fit_on_a_page(
    world: World, crowd: tuple[str, list[str]], options: str
) -> None:
    volumes, whole = crowd
    wanted = {"$skip=5": whole[5:], "$top=120": whole[:120]}.get(options, whole)
    assert world.client.members(f"{volumes}?{options}") == wanted


def test_a_filter_that_few_pass_tells_their_count(world: World, crowd: tuple[str, list[str]]) -> None:
    volumes, whole = crowd
    large = world.client.body(f"{volumes}?$filter=CapacityBytes gt {GIB * 110}&$expand=.")
    assert [one["@odata.id"] for one in large["Members"]] == whole[110:VOLUMES]
    assert large["Members@odata.count"] == 5
    identifier = whole[7].rpartition("/")[2]
    for text, wanted in (
        ("Name eq 'one 7'", [whole[7]]),
        (f"Id eq '{identifier}' and Name eq 'one 7'", [whole[7]]),
        (f"Id eq '{identifier}' and Name eq 'one 8'", []),
        ("Name eq 'moment 3'", [whole[VOLUMES + 3]]),
        ("Id eq 'none'", []),
    ):
        assert world.client.members(f"{volumes}?$filter={text}") == wanted


def test_what_was_asked_of_one_collection_is_asked_of_no_other_in_its_answer(
    world: World, crowd: tuple[str, list[str]]
) -> None:
    volumes, whole = crowd
    asked = "/redfish/v1/StorageServices?$filter=Name eq 'crowded'&$expand=.($levels=2)"
    (service,) = world.client.body(asked)["Members"]
    inner = service["Volumes"]
    assert (inner["@odata.id"], inner["Members@odata.count"]) == (volumes, len(whole))
    following = world.client.members(inner["Members@odata.nextLink"])
    assert [one["@odata.id"] for one in inner["Members"]] + following == whole


def test_a_forged_place_in_the_list_is_refused(world: World) -> None:
    for token in ("x", "v.x", "s.AAAA", "v.", "s.", "zz.1"):
        answer = world.client.get(f"{world.volumes}?$skiptoken={token}")
        assert answer.status_code == (200 if token in ("v.", "s.") else 400)


def test_there_are_no_consistency_groups_and_none_can_be_made(world: World) -> None:
    groups = f"{world.home}/ConsistencyGroups"
    assert world.client.body(groups)["Members"] == []
    assert world.client.post(groups, {"Name": "group"}).status_code == 405
    action = f"{groups}/none/Actions/ConsistencyGroup.CreateReplicaTarget"
    assert world.client.post(action, {}).status_code == 404
