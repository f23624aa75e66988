"""Endpoints, their groups and connections: what makes and removes them, who may, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.environment.redfish import PASSWORD, RedfishClient
from tests.integration.swordfish.volume_world import World, related, said, volume_world

FABRICS = "/redfish/v1/Fabrics"
FABRIC = f"{FABRICS}/memory"
ENDPOINTS, GROUPS, CONNECTIONS = f"{FABRIC}/Endpoints", f"{FABRIC}/EndpointGroups", f"{FABRIC}/Connections"
AT_ONCE = 8
_numbers = itertools.count()


@dataclass(slots=True)
class People:
    """Clients by what they are: of the home tenant a manager, a member and a reader, and a manager of another."""

    manager: RedfishClient
    member: RedfishClient
    reader: RedfishClient
    stranger: RedfishClient


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("fabrics"), listen={"threads": 24}) as made:
        yield made


@pytest.fixture(scope="module")
def people(world: World) -> People:
    home = world.home.rpartition("/")[2]
    other = world.service.make("/v1/tenants", {"name": "elsewhere"})["id"]
    found = []
    for name, tenant, role in (
        ("manager", home, "manager"),
        ("member", home, "member"),
        ("reader", home, "reader"),
        ("stranger", other, "manager"),
    ):
        world.service.make("/v1/users", {"name": name, "tenant": tenant, "roles": [role], "password": PASSWORD})
        found.append(world.service.client(name))
    return People(*found)


def fresh(stem: str = "web") -> str:
    return f"{stem}-{next(_numbers)}"


def links(*uris: str) -> list[dict[str, str]]:
    return [{"@odata.id": uri} for uri in uris]


def initiator(name: str) -> dict[str, Any]:
    return {"Name": f"host of {name}", "Identifiers": [{"DurableName": name}]}


def endpoint(client: RedfishClient, name: str | None = None) -> str:
    answer = client.post(ENDPOINTS, initiator(name or fresh()))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def group(client: RedfishClient, *endpoints: str) -> str:
    body = {"Name": fresh("group"), "GroupType": "Initiator", "Links": {"Endpoints": links(*endpoints)}}
    answer = client.post(GROUPS, body)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def members_of(client: RedfishClient, uri: str) -> set[str]:
    return {one["@odata.id"] for one in client.body(uri)["Links"]["Endpoints"]}


def wanted(volume: str, *, endpoints: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> dict[str, Any]:
    named: dict[str, Any] = {}
    if endpoints:
        named["InitiatorEndpoints"] = links(*endpoints)
    if groups:
        named["InitiatorEndpointGroups"] = links(*groups)
    return {"VolumeInfo": [{"Volume": {"@odata.id": volume}}], "Links": named}


def connected(world: World, *, endpoints: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> dict[str, Any]:
    """A connection of a new volume."""
    volume = world.volume(fresh("volume"))["@odata.id"]
    return world.made(world.client.post(CONNECTIONS, wanted(volume, endpoints=endpoints, groups=groups)))


def gone(world: World, uri: str) -> None:
    answer = world.client.finished(world.client.delete(uri))
    assert answer.status_code == 204, answer.text


def listed(client: RedfishClient) -> list[list[str]]:
    """All that there is in the fabric."""
    return [client.members(place) for place in (ENDPOINTS, GROUPS, CONNECTIONS)]


def everything(client: RedfishClient) -> list[dict[str, Any]]:
    """All that can be changed in the fabric, as it is now."""
    return [client.body(uri) for place in (ENDPOINTS, GROUPS, CONNECTIONS) for uri in client.members(place)]


def together(world: World, ask: Any, number: int = AT_ONCE) -> list[requests.Response]:
    """The answers to requests that leave at the same moment."""
    clients, gate = [world.service.client() for _ in range(number)], Barrier(number)
    for client in clients:
        client.body("/redfish/v1")

    def one(place: int) -> requests.Response:
        gate.wait(10)
        answer: requests.Response = ask(clients[place], place)
        return answer

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_there_is_a_fabric_for_each_protocol_and_nothing_else(world: World) -> None:
    client = world.client
    assert client.body("/redfish/v1")["Fabrics"]["@odata.id"] == FABRICS
    types = {uri: client.body(uri)["FabricType"] for uri in client.members(FABRICS)}
    assert types == {FABRIC: "OEM", f"{FABRICS}/iscsi": "iSCSI"}
    for path in ("fc", "fc/Endpoints", "fc/EndpointGroups", "fc/Connections", "memory/Switches", "memory/Zones"):
        assert client.get(f"{FABRICS}/{path}").status_code == 404


def test_an_endpoint_is_a_hosts_name_and_takes_the_host_with_it(world: World) -> None:
    client = world.client
    uri = endpoint(client, "iqn.2004-10.com.example:a_b@c")
    assert "%" not in uri and ":" not in uri.rpartition("/")[2]
    body = client.body(uri)
    assert body["Name"] == "host of iqn.2004-10.com.example:a_b@c"
    assert body["Identifiers"] == [{"DurableName": "iqn.2004-10.com.example:a_b@c", "DurableNameFormat": "iQN"}]
    assert body["ConnectedEntities"][0]["EntityRole"] == "Initiator"
    assert uri in client.members(ENDPOINTS)
    assert client.get(uri.replace(FABRIC, f"{FABRICS}/iscsi")).status_code == 404
    gone(world, uri)
    assert client.get(uri).status_code == 404
    with world.service.server.session() as session:
        hosts = session.get(f"{world.service.server.address}/v1/hosts", timeout=30).json()["items"]
    assert not [host for host in hosts if host["name"] == body["Name"]]


def test_an_endpoint_is_made_once(world: World) -> None:
    name = fresh()
    answers = together(world, lambda client, number: client.post(ENDPOINTS, initiator(name)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)
    assert {tuple(said(answer)) for answer in answers if answer.status_code == 409} == {("ResourceAlreadyExists",)}
    assert [answer.headers["Location"] for answer in answers if answer.status_code == 201] == [
        f"{ENDPOINTS}/initiator-{name}"
    ]


def test_hosts_take_no_key(world: World) -> None:
    for uri, body in ((ENDPOINTS, initiator(fresh())), (GROUPS, {"Name": fresh()})):
        answer = world.client.post(uri, body, headers={"Idempotency-Key": "once"})
        assert (answer.status_code, said(answer)) == (400, ["HeaderInvalid"])


def test_a_host_with_several_names_is_made_by_grouping_endpoints(world: World) -> None:
    client = world.client
    one, two, three = (endpoint(client) for _ in range(3))
    both = group(client, one, two)
    assert members_of(client, both) == {one, two}
    assert {client.body(uri)["Name"] for uri in (one, two)} == {client.body(both)["Name"]}
    other = group(client, three)
    answer = client.patch(other, {"Links": {"Endpoints": links(three, one)}})
    assert (answer.status_code, members_of(client, other), members_of(client, both)) == (200, {three, one}, {two})
    assert client.patch(other, {"Links": {"Endpoints": links(two, one)}}).status_code == 200
    assert members_of(client, other) == {two, one}
    assert client.get(both).status_code == 404
    alone = [uri for uri in client.members(GROUPS) if members_of(client, uri) == {three}]
    assert len(alone) == 1
    gone(world, other)
    assert [client.get(uri).status_code for uri in (one, two, three)] == [404, 404, 200]


def test_a_host_with_several_names_is_made_by_filling_an_empty_group(world: World) -> None:
    client = world.client
    empty = group(client)
    assert members_of(client, empty) == set()
    one, two = endpoint(client), endpoint(client)
    assert client.patch(empty, {"Links": {"Endpoints": links(one, two)}}).status_code == 200
    assert members_of(client, empty) == {one, two}
    gone(world, one)
    assert members_of(client, empty) == {two}
    answer = client.patch(empty, {"Links": {"Endpoints": []}})
    assert (answer.status_code, related(answer)) == (400, ["/Links/Endpoints"])
    assert members_of(client, empty) == {two}


def test_of_many_groups_of_one_endpoint_it_is_in_one(world: World) -> None:
    client = world.client
    shared = endpoint(client)
    together(
        world,
        lambda one, number: one.post(GROUPS, {"Name": f"race {number}", "Links": {"Endpoints": links(shared)}}),
    )
    holders = [uri for uri in client.members(GROUPS) if shared in members_of(client, uri)]
    assert len(holders) == 1
    assert client.members(ENDPOINTS).count(shared) == 1


def test_of_many_changes_of_a_group_under_one_tag_one_is_made(world: World) -> None:
    client = world.client
    uri = group(client, endpoint(client))
    others = [endpoint(client) for _ in range(AT_ONCE)]
    tag = {"If-Match": client.get(uri).headers["ETag"]}
    answers = together(
        world,
        lambda one, number: one.patch(uri, {"Links": {"Endpoints": links(others[number])}}, headers=tag),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (AT_ONCE - 1)
    assert len(members_of(client, uri)) == 1
    assert set(others) <= set(client.members(ENDPOINTS))


def test_a_connection_attaches_and_detaches(world: World) -> None:
    client = world.client
    one, two = endpoint(client), endpoint(client)
    both = group(client, one, two)
    volume = world.volume(fresh("volume"))["@odata.id"]
    body = wanted(volume, endpoints=(two, one)) | {"Name": "the path to it"}
    connection = world.made(client.post(CONNECTIONS, body))
    uri = connection["@odata.id"]
    assert connection["Name"] == "the path to it"
    assert connection["Links"]["InitiatorEndpointGroups"] == links(both)
    assert "InitiatorEndpoints" not in connection["Links"]
    assert connection["VolumeInfo"] == [{"Volume": {"@odata.id": volume}, "AccessCapabilities": ["Read", "Write"]}]
    (target,) = connection["Links"]["TargetEndpoints"]
    seen = client.body(target["@odata.id"])
    assert seen["ConnectedEntities"] == [
        {"EntityRole": "Target", "EntityType": "Volume", "EntityLink": {"@odata.id": volume}}
    ]
    for where in (both, one, two, target["@odata.id"]):
        assert client.body(where)["Links"]["Connections"] == links(uri)
    assert client.body(volume)["Connections"] == links(uri)
    assert uri in client.members(CONNECTIONS) and target["@odata.id"] in client.members(ENDPOINTS)
    gone(world, uri)
    for where in (uri, target["@odata.id"]):
        assert client.get(where).status_code == 404
    assert client.body(volume)["Connections"] == [] == client.body(both)["Links"]["Connections"]


def test_a_connection_may_be_a_task(world: World) -> None:
    client, at_once = world.client, {"Prefer": "respond-async"}
    body = wanted(world.volume(fresh("volume"))["@odata.id"], endpoints=(endpoint(client),))
    begun = client.post(CONNECTIONS, body, headers=at_once)
    assert begun.status_code == 202, begun.text
    made = client.finished(begun)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == made.json()["@odata.id"]
    assert made.headers["Location"] in client.members(CONNECTIONS)
    begun = client.delete(made.headers["Location"], headers=at_once)
    assert begun.status_code == 202, begun.text
    assert client.finished(begun).status_code == 204
    assert client.get(made.headers["Location"]).status_code == 404


def test_a_connection_may_be_for_reading(world: World) -> None:
    body = wanted(world.volume(fresh("volume"))["@odata.id"], groups=(group(world.client, endpoint(world.client)),))
    body["VolumeInfo"][0]["AccessCapabilities"] = ["Read"]
    made = world.made(world.client.post(CONNECTIONS, body))
    assert made["VolumeInfo"][0]["AccessCapabilities"] == ["Read"]


def test_what_is_connected_stays_as_it_is(world: World) -> None:
    client = world.client
    one, two, lone = endpoint(client), endpoint(client), endpoint(client)
    both = group(client, one, two)
    uri = connected(world, groups=(both,))["@odata.id"]
    target = client.body(uri)["Links"]["TargetEndpoints"][0]["@odata.id"]
    before = everything(client)
    for answer in (
        client.delete(one),
        client.delete(both),
        client.patch(both, {"Links": {"Endpoints": links(one)}}),
        client.patch(both, {"Links": {"Endpoints": links(one, two, lone)}}),
        client.post(GROUPS, {"Name": "thief", "Links": {"Endpoints": links(lone, one)}}),
    ):
        assert (answer.status_code, said(answer)) == (409, ["ResourceInUse"])
        assert "etach" in answer.text or "Delete the connections" in answer.text
    answer = client.delete(target)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert client.get(target).headers["Allow"] == "GET, HEAD"
    assert client.get(one).headers["Allow"] == "GET, HEAD, DELETE"
    for verb in ("Add", "Remove"):
        answer = client.post(f"{uri}/Actions/Connection.{verb}VolumeInfo", {"VolumeInfo": []})
        assert (answer.status_code, said(answer)) == (400, ["ActionNotSupported"])
    assert "Actions" not in client.body(uri)
    assert client.patch(uri, {"Name": "other"}).status_code == 405
    assert everything(client) == before


def test_a_connection_that_has_changed_is_not_deleted_under_an_old_tag(world: World) -> None:
    uri = connected(world, endpoints=(endpoint(world.client),))["@odata.id"]
    answer = world.client.delete(uri, headers={"If-Match": '"another"'})
    assert (answer.status_code, said(answer)) == (412, ["PreconditionFailed"])
    current = {"If-Match": world.client.get(uri).headers["ETag"]}
    assert world.client.finished(world.client.delete(uri, headers=current)).status_code == 204


def test_of_many_connections_of_a_volume_to_a_host_one_is_made(world: World) -> None:
    volume = world.volume(fresh("volume"))["@odata.id"]
    body = wanted(volume, endpoints=(endpoint(world.client),))
    answers = together(world, lambda client, number: client.post(CONNECTIONS, body))
    made = [answer for answer in answers if answer.status_code in (201, 202)]
    assert len(made) == 1
    assert {answer.status_code for answer in answers if answer not in made} == {409}
    uri = world.made(made[0])["@odata.id"]
    assert world.client.body(volume)["Connections"] == links(uri)
    answers = together(world, lambda client, number: client.delete(uri))
    assert len([answer for answer in answers if answer.status_code in (202, 204)]) == 1
    assert {answer.status_code for answer in answers} <= {202, 204, 404, 409}


def test_a_connection_and_the_end_of_its_host_do_not_both_happen(world: World) -> None:
    for _ in range(4):
        uri, volume = endpoint(world.client), world.volume(fresh("volume"))["@odata.id"]
        body = wanted(volume, endpoints=(uri,))

        def ask(client: RedfishClient, number: int, uri: str = uri, body: Any = body) -> requests.Response:
            return client.delete(uri) if number else client.post(CONNECTIONS, body)

        connection, removal = together(world, ask, 2)
        if removal.status_code == 204:
            assert connection.status_code in (400, 404, 409), connection.text
            assert world.client.body(volume)["Connections"] == []
        else:
            assert removal.status_code == 409, removal.text
            world.made(connection)
            assert world.client.get(uri).status_code == 200


@pytest.fixture(scope="module")
def ends(world: World) -> dict[str, str]:
    """URIs of things that a body may name, rightly or wrongly."""
    one, two, three = (endpoint(world.client) for _ in range(3))
    pair = group(world.client, one, two)
    volume = world.volume(fresh("volume"))
    other = world.client.post(f"{FABRICS}/iscsi/Endpoints", {"Identifiers": [{"DurableName": "iqn.2004-10.x:y"}]})
    return {
        "one": one,
        "three": three,
        "pair": pair,
        "volume": volume["@odata.id"],
        "snapshot": world.replica(volume, "Snapshot", fresh("snapshot"))["@odata.id"],
        "odd": world.volume(fresh("volume"), of="odd")["@odata.id"],
        "target": connected(world, endpoints=(three,))["Links"]["TargetEndpoints"][0]["@odata.id"],
        "iscsi": other.headers["Location"],
    }


_VOLUME = "/VolumeInfo/0/Volume/@odata.id"
_BY_ENDPOINT, _BY_GROUP = "/Links/InitiatorEndpoints", "/Links/InitiatorEndpointGroups"


@pytest.mark.parametrize(
    ("volume", "endpoints", "groups", "place"),
    [
        ("snapshot", (), ("pair",), _VOLUME),
        ("odd", (), ("pair",), _VOLUME),
        ("pair", (), ("pair",), _VOLUME),
        ("/nowhere", (), ("pair",), _VOLUME),
        ("volume", ("target",), (), f"{_BY_ENDPOINT}/0/@odata.id"),
        ("volume", ("iscsi",), (), f"{_BY_ENDPOINT}/0/@odata.id"),
        ("volume", ("pair",), (), f"{_BY_ENDPOINT}/0/@odata.id"),
        ("volume", ("one", "/nowhere"), (), f"{_BY_ENDPOINT}/1/@odata.id"),
        ("volume", ("one",), (), _BY_ENDPOINT),
        ("volume", ("one", "three"), (), _BY_ENDPOINT),
        ("volume", ("one",), ("pair",), _BY_ENDPOINT),
        ("volume", (), ("one",), f"{_BY_GROUP}/0/@odata.id"),
        ("volume", (), (f"{GROUPS}/unknown",), f"{_BY_GROUP}/0/@odata.id"),
        ("volume", (), ("pair", "pair"), _BY_GROUP),
        ("volume", (), (), _BY_GROUP),
    ],
)
def test_a_connection_to_what_does_not_fit_is_refused_where_it_stands(
    world: World, ends: dict[str, str], volume: str, endpoints: tuple[str, ...], groups: tuple[str, ...], place: str
) -> None:
    before = listed(world.client)
    body = wanted(
        ends.get(volume, volume),
        endpoints=tuple(ends.get(one, one) for one in endpoints),
        groups=tuple(ends.get(one, one) for one in groups),
    )
    answer = world.client.post(CONNECTIONS, body)
    assert answer.status_code == 400, answer.text
    assert place in related(answer)
    assert listed(world.client) == before


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"VolumeInfo": []}, "/VolumeInfo"),
        ({"VolumeInfo": "x"}, "/VolumeInfo"),
        ({"VolumeInfo": [{}]}, "/VolumeInfo/0/Volume"),
        ({"LUN": 3}, "/VolumeInfo/0/LUN"),
        ({"AccessCapabilities": ["Write"]}, "/VolumeInfo/0/AccessCapabilities"),
        ({"AccessCapabilities": ["Append"]}, "/VolumeInfo/0/AccessCapabilities/0"),
        ({"ConnectionKeys": {"CHAP": {"CHAPUsername": "web"}}}, "/ConnectionKeys/CHAP/CHAPPassword"),
        ({"ConnectionKeys": {"CHAP": {"CHAPPassword": "short-secret"[:11]}}}, "/ConnectionKeys/CHAP/CHAPPassword"),
        ({"ConnectionKeys": {"CHAP": {"CHAPPassword": 123456789012345}}}, "/ConnectionKeys/CHAP/CHAPPassword"),
        ({"ConnectionKeys": {"CHAP": "sixteen-letters1"}}, "/ConnectionKeys/CHAP"),
        (
            {"ConnectionKeys": {"CHAP": {"CHAPPassword": "sixteen-letters1", "CHAPUsername": "isthmus-1"}}},
            "/ConnectionKeys/CHAP/CHAPUsername",
        ),
        ({"ConnectionKeys": {"DHCHAP": {"LocalDHCHAPAuthSecret": "x"}}}, "/ConnectionKeys/DHCHAP"),
        ({"ConnectionType": "Memory"}, "/ConnectionType"),
        ({"Status": {"State": "Enabled"}}, "/Status"),
        ({"Colour": "red"}, "/Colour"),
    ],
)
def test_a_connection_that_makes_no_sense_is_refused_where_it_is_wrong(
    world: World, ends: dict[str, str], change: dict[str, Any], place: str
) -> None:
    body = wanted(ends["volume"], groups=(ends["pair"],))
    inner = {name: value for name, value in change.items() if name in ("LUN", "AccessCapabilities")}
    body["VolumeInfo"][0] |= inner
    body |= {name: value for name, value in change.items() if name not in inner}
    before = listed(world.client)
    answer = world.client.post(CONNECTIONS, body)
    assert (answer.status_code, related(answer)) == (400, [place]), answer.text
    for secret in ("short-secret"[:11], "123456789012345", "sixteen-letters1"):
        assert secret not in answer.text
    assert listed(world.client) == before


def test_several_volumes_are_several_connections(world: World, ends: dict[str, str]) -> None:
    body = wanted(ends["volume"], groups=(ends["pair"],))
    body["VolumeInfo"] *= 2
    answer = world.client.post(CONNECTIONS, body)
    assert (answer.status_code, said(answer), related(answer)) == (400, ["ArraySizeTooLong"], ["/VolumeInfo"])
    assert "one connection for each volume" in answer.text


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "/Identifiers"),
        ({"Identifiers": [{"DurableName": "a b"}]}, "/Identifiers"),
        ({"Identifiers": [{"DurableName": "a"}, {"DurableName": "b"}]}, "/Identifiers/1/DurableName"),
        ({"Identifiers": [{"DurableName": "a", "DurableNameFormat": "UUID"}]}, "/Identifiers/0/DurableNameFormat"),
        ({"Identifiers": [{"DurableName": "web", "DurableNameFormat": "iQN"}]}, "/Identifiers/0/DurableName"),
        ({"ConnectedEntities": [{"EntityRole": "Target"}]}, "/ConnectedEntities/0/EntityRole"),
        ({"Name": "a/b", "Identifiers": [{"DurableName": "a"}]}, "/Name"),
        ({"Status": {}, "Identifiers": [{"DurableName": "a"}]}, "/Status"),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused(world: World, body: dict[str, Any], place: str) -> None:
    before = world.client.members(ENDPOINTS)
    answer = world.client.post(ENDPOINTS, body)
    assert (answer.status_code, related(answer)) == (400, [place]), answer.text
    assert world.client.members(ENDPOINTS) == before


def test_over_iscsi_a_name_is_of_a_kind_that_targets_take(world: World) -> None:
    place = f"{FABRICS}/iscsi/Endpoints"
    answer = world.client.post(place, initiator("web"))
    assert (answer.status_code, related(answer)) == (400, ["/Identifiers/0/DurableName"])
    body = {"Identifiers": [{"DurableName": "01:23:45:67:89:AB:CD:EF", "DurableNameFormat": "EUI"}]}
    answer = world.client.post(place, body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["Identifiers"] == body["Identifiers"]
    gone(world, answer.headers["Location"])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"Links": {"Endpoints": []}}, "/Name"),
        ({"Name": "g", "GroupType": "Client"}, "/GroupType"),
        ({"Name": "g", "Endpoints": []}, "/Endpoints"),
        ({"Name": "g", "Links": {"Endpoints": [{"@odata.id": "/nowhere"}]}}, "/Links/Endpoints/0/@odata.id"),
        ({"Name": "g", "Links": {"Endpoints": [{}]}}, "/Links/Endpoints/0/@odata.id"),
        ({"Name": "g", "Links": {"Zones": []}}, "/Links/Zones"),
    ],
)
def test_a_group_that_makes_no_sense_is_refused(world: World, body: dict[str, Any], place: str) -> None:
    before = world.client.members(GROUPS)
    answer = world.client.post(GROUPS, body)
    assert (answer.status_code, related(answer)) == (400, [place]), answer.text
    assert world.client.members(GROUPS) == before


def test_hosts_are_made_by_managers_and_given_volumes_by_members(world: World, people: People) -> None:
    for answer in (
        people.member.post(ENDPOINTS, initiator(fresh())),
        people.member.post(GROUPS, {"Name": "mine"}),
        people.reader.post(ENDPOINTS, initiator(fresh())),
    ):
        assert (answer.status_code, said(answer)) == (403, ["InsufficientPrivilege"])
    uri = endpoint(people.manager)
    assert people.member.delete(uri).status_code == 403
    volume = world.volume(fresh("volume"))["@odata.id"]
    assert people.reader.post(CONNECTIONS, wanted(volume, endpoints=(uri,))).status_code == 403
    made = people.member.finished(people.member.post(CONNECTIONS, wanted(volume, endpoints=(uri,))))
    assert made.status_code == 201, made.text
    assert people.reader.body(made.json()["@odata.id"])["VolumeInfo"]
    assert people.member.finished(people.member.delete(made.json()["@odata.id"])).status_code == 204
    assert people.manager.delete(uri).status_code == 204


def test_a_tenant_sees_its_own_and_the_installations_and_nobody_elses(world: World, people: People) -> None:
    common, own = endpoint(world.client), endpoint(people.manager)
    (own_group,) = [uri for uri in people.manager.members(GROUPS) if own in members_of(people.manager, uri)]
    volume = world.volume(fresh("volume"))["@odata.id"]
    uri = world.made(people.member.post(CONNECTIONS, wanted(volume, endpoints=(common,))))["@odata.id"]
    target = people.member.body(uri)["Links"]["TargetEndpoints"][0]["@odata.id"]
    seen = people.stranger.members(ENDPOINTS)
    assert common in seen and own not in seen and target not in seen
    assert people.stranger.body(common)["Links"]["Connections"] == []
    assert people.stranger.members(CONNECTIONS) == []
    assert own_group not in people.stranger.members(GROUPS)
    for hidden in (own, own_group, uri, target):
        assert people.stranger.get(hidden).status_code == 404
        assert people.stranger.delete(hidden).status_code == 404
    for body, place in (
        (wanted(volume, endpoints=(common,)), _VOLUME),
        (wanted(volume, endpoints=(own,)), _VOLUME),
    ):
        answer = people.stranger.post(CONNECTIONS, body)
        assert (answer.status_code, related(answer)) == (400, [place])
    answer = people.stranger.post(GROUPS, {"Name": "thief", "Links": {"Endpoints": links(own)}})
    assert (answer.status_code, related(answer)) == (400, ["/Links/Endpoints/0/@odata.id"])
    assert people.stranger.post(GROUPS, {"Name": "x", "Links": {"Endpoints": links(common)}}).status_code == 403
    taken = people.stranger.post(ENDPOINTS, initiator(own.rpartition("initiator-")[2]))
    assert (taken.status_code, said(taken)) == (409, ["ResourceInUse"])
    assert own not in taken.text
    mixed = world.client.post(GROUPS, {"Name": "mixed", "Links": {"Endpoints": links(common, own)}})
    assert (mixed.status_code, related(mixed)) == (400, ["/Links/Endpoints/1/@odata.id"])
    elsewhere = endpoint(people.stranger)
    answer = world.client.post(CONNECTIONS, wanted(world.volume(fresh("v"))["@odata.id"], endpoints=(elsewhere,)))
    assert (answer.status_code, related(answer)) == (400, [_BY_ENDPOINT])


def test_collections_come_in_pages(world: World) -> None:
    client = world.client
    for _ in range(5):
        connected(world, endpoints=(endpoint(client),))
    for place in (ENDPOINTS, GROUPS, CONNECTIONS):
        every = client.members(place)
        assert client.body(place)["Members@odata.count"] == len(every) == len(set(every)) >= 5
        assert len(client.body(f"{place}?$top=2")["Members"]) == 2
        assert client.body(f"{place}?$skip=3")["Members"] == links(*every[3:])
        assert client.get(f"{place}?$skiptoken=x").status_code == 400
