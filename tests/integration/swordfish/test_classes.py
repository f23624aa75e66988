"""Classes of service: profiles that Swordfish's clients read, make, change and delete."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.environment.redfish import PASSWORD, ROOT, RedfishClient, RedfishService, redfish_service

GOLD: dict[str, Any] = {
    "provisioningProperties": {
        "dataStorage": {"provisioningPolicy": "Thick", "compression": False},
        "ioConnectivity": {"accessProtocol": "memory", "maxIOPS": 500, "maxBWS": 8, "latency": 3},
    },
    "snapshotProperties": {"schedule": {"occurrence": "Daily"}, "retention": {"number": 3, "duration": 7}},
    "replicationProperties": {"dataProtection": {"replicaType": "Mirror", "recoveryPointObjectiveTime": "PT5M"}},
}
CONNECTIVITY = "IOConnectivityLinesOfService"
PERFORMANCE = "IOPerformanceLinesOfService"
PROTECTION = "DataProtectionLinesOfService"
DATA = "DataStorageLinesOfService"


@dataclass(slots=True)
class Offer:
    """A service with the tenants blue and red, a profile `gold` for all and one `secret` for red."""

    service: RedfishService
    tenants: dict[str, str]
    gold: str
    secret: str

    @property
    def admin(self) -> RedfishClient:
        return self.service.client()

    def classes(self, tenant: str = "blue") -> str:
        return f"{ROOT}/StorageServices/{self.tenants[tenant]}/ClassesOfService"

    def made(self, body: dict[str, Any]) -> str:
        """The URI of a class made of this body, with a name of its own."""
        answer = self.admin.post(self.classes(), {"Name": f"class-{uuid.uuid4()}", **body})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def profile(self, uri: str) -> dict[str, Any]:
        """The profile that a class stands for."""
        with self.service.server.session() as session:
            found = session.get(f"{self.service.server.address}/v1/profiles/{uri.rpartition('/')[2]}")
            profile: dict[str, Any] = found.json()
            return profile


@pytest.fixture(scope="module")
def offer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offer]:
    with redfish_service(tmp_path_factory.mktemp("classes")) as service:
        settings = {"pools": [{"name": "p", "total": 1 << 40}]}
        service.make("/v1/backends", {"name": "array", "driver": "memory", "settings": settings})
        tenants = {}
        for name in ("blue", "red"):
            tenants[name] = service.make("/v1/tenants", {"name": name})["id"]
            for role in ("manager", "reader"):
                user = {"name": f"{name}-{role}", "tenant": tenants[name], "roles": [role], "password": PASSWORD}
                service.make("/v1/users", user)
        gold = service.make("/v1/profiles", {"name": "gold", "description": "The best", "properties": GOLD})["id"]
        secret = service.make("/v1/profiles", {"name": "secret", "tenants": [tenants["red"]]})["id"]
        yield Offer(service, tenants, gold, secret)


def lines(client: RedfishClient, uri: str, kind: str) -> list[dict[str, Any]]:
    return [client.body(link["@odata.id"]) for link in client.body(uri).get(kind, [])]


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """A line's own properties."""
    return {
        name: value for name, value in body.items() if "@" not in name and name not in ("Id", "Name", "Description")
    }


def why(answer: Any) -> tuple[int, str, list[str]]:
    """The status, the first message, and the properties that are wrong."""
    messages = answer.json()["error"]["@Message.ExtendedInfo"]
    related = [pointer for message in messages for pointer in message.get("RelatedProperties", [])]
    return answer.status_code, messages[0]["MessageId"].rpartition(".")[2], related


def test_a_profile_is_a_class_with_its_lines(offer: Offer) -> None:
    client = offer.service.client("blue-reader")
    uri = f"{offer.classes()}/{offer.gold}"
    body = client.body(uri)
    assert (body["Name"], body["Description"]) == ("gold", "The best")
    (data,), (connectivity,), (performance,) = (lines(client, uri, kind) for kind in (DATA, CONNECTIVITY, PERFORMANCE))
    assert shown(data) == {"ProvisioningPolicy": "Fixed"}
    # The protocol `memory` has no name in Redfish.
    assert shown(connectivity) == {"MaxIOPS": 500, "MaxBytesPerSecond": 1_000_000}
    assert shown(performance) == {"AverageIOOperationLatencyMicroseconds": 3000}
    snapshots, replication = lines(client, uri, PROTECTION)
    assert shown(snapshots) == {
        "ReplicaType": "Snapshot",
        "Schedule": {"RecurrenceInterval": "P1D"},
        "MinLifetime": "P7D",
    }
    assert shown(replication) == {"ReplicaType": "Mirror", "RecoveryPointObjectiveTime": "PT5M"}


def test_what_nothing_enforces_is_said_where_it_is_shown(offer: Offer) -> None:
    client, uri = offer.admin, f"{offer.classes()}/{offer.gold}"
    (connectivity,), (snapshots, _) = lines(client, uri, CONNECTIVITY), lines(client, uri, PROTECTION)
    assert connectivity["Description"] == "Enforced only where the pool does it itself: MaxIOPS, MaxBytesPerSecond."
    assert "Description" not in snapshots, "the engine takes them"
    assert "Description" not in lines(client, uri, DATA)[0]


def test_a_service_offers_what_its_tenant_may_use(offer: Offer) -> None:
    for client in (offer.admin, offer.service.client("blue-reader")):
        assert f"{offer.classes()}/{offer.gold}" in client.members(offer.classes())
        assert f"{offer.classes()}/{offer.secret}" not in client.members(offer.classes())
        assert client.get(f"{offer.classes()}/{offer.secret}").status_code == 404
    for client in (offer.admin, offer.service.client("red-reader")):
        assert f"{offer.classes('red')}/{offer.secret}" in client.members(offer.classes("red"))
        assert client.body(f"{offer.classes('red')}/{offer.secret}")["Name"] == "secret"
    stranger = offer.service.client("blue-manager")
    for place in ("", f"/{offer.gold}", f"/{offer.gold}/{DATA}/storage"):
        assert stranger.get(offer.classes("red") + place).status_code == 404


def test_a_class_that_is_posted_is_a_profile_for_this_tenant(offer: Offer) -> None:
    uri = offer.made(
        {
            "Description": "Quick",
            DATA: [{"ProvisioningPolicy": "Thin", "IsSpaceEfficient": True, "RecoveryTimeObjectives": "Nearline"}],
            CONNECTIVITY: [{"AccessProtocols": ["iSCSI"], "MaxIOPS": 100, "MaxBytesPerSecond": 1_250_000}],
            PERFORMANCE: [{"AverageIOOperationLatencyMicroseconds": 5000}],
            PROTECTION: [
                {"ReplicaType": "Snapshot", "MinLifetime": "P2D", "Schedule": {"RecurrenceInterval": "PT1H"}},
                {"ReplicaType": "Mirror", "IsIsolated": True, "RecoveryGeographicObjective": "Region"},
                {"ReplicaType": "Clone", "RecoveryPointObjectiveTime": "P1D"},
            ],
        }
    )
    profile = offer.profile(uri)
    assert profile["tenants"] == [offer.tenants["blue"]]
    assert (profile["description"], profile["storage_type"]) == ("Quick", "block")
    assert profile["properties"] == {
        "provisioningProperties": {
            "dataStorage": {
                "provisioningPolicy": "Thin",
                "isSpaceEfficient": True,
                "recoveryTimeObjective": "Nearline",
            },
            "ioConnectivity": {"accessProtocol": "iscsi", "maxIOPS": 100, "maxBWS": 10, "latency": 5},
        },
        "snapshotProperties": {"schedule": {"occurrence": "Hourly"}, "retention": {"duration": 2}},
        "replicationProperties": {
            "dataProtection": {
                "replicaType": "Mirror",
                "isIsolated": True,
                "recoveryGeographicObjective": "Region",
            }
        },
        "dataProtectionProperties": {"dataProtection": {"replicaType": "Clone", "recoveryPointObjectiveTime": "P1D"}},
    }
    assert offer.service.client("red-reader").members(offer.classes("red")).count(uri) == 0


def test_a_class_that_was_read_whole_can_be_posted_again(offer: Offer) -> None:
    whole = offer.admin.body(f"{offer.classes()}/{offer.gold}?$expand=.")
    copied = offer.made({**whole, "Name": f"copy-{uuid.uuid4()}"})
    links = offer.admin.body(f"{offer.classes()}/{offer.gold}")
    linked = offer.made({**links, "Name": f"copy-{uuid.uuid4()}"})
    assert len({offer.gold, *(uri.rpartition("/")[2] for uri in (copied, linked))}) == 3
    for uri in (copied, linked):
        for kind in (DATA, CONNECTIVITY, PERFORMANCE, PROTECTION):
            was, now = lines(offer.admin, f"{offer.classes()}/{offer.gold}", kind), lines(offer.admin, uri, kind)
            assert [shown(line) for line in now] == [shown(line) for line in was]
    # What Swordfish has no word for is not copied.
    assert offer.profile(copied)["properties"]["snapshotProperties"]["retention"] == {"duration": 7}


def test_a_class_is_made_once_by_its_name(offer: Offer) -> None:
    answer = offer.admin.post(offer.classes(), {"Name": "gold"})
    assert why(answer) == (409, "ResourceAlreadyExists", ["/Name"])
    assert answer.json()["error"]["@Message.ExtendedInfo"][0]["MessageArgs"] == ["ClassOfService", "Name", "gold"]
    keyed = offer.admin.post(offer.classes(), {"Name": f"class-{uuid.uuid4()}"}, headers={"Idempotency-Key": "once"})
    assert why(keyed) == (400, "HeaderInvalid", [])


def test_what_a_line_takes_is_said_where_it_is_too_much(offer: Offer) -> None:
    def refused(line: dict[str, Any]) -> dict[str, Any]:
        answer = offer.admin.post(offer.classes(), {"Name": f"class-{uuid.uuid4()}", CONNECTIVITY: [line]})
        assert answer.status_code == 400
        (message,) = answer.json()["error"]["@Message.ExtendedInfo"]
        return {**message, "key": message["MessageId"].rpartition(".")[2]}

    several = refused({"AccessProtocols": ["FC", "iSCSI"]})
    assert (several["key"], several["MessageArgs"][1]) == ("ArraySizeTooLong", "1")
    assert several["RelatedProperties"] == [f"/{CONNECTIVITY}/0/AccessProtocols"]
    for amount in (1000, 125_001):
        out = refused({"MaxBytesPerSecond": amount})
        assert out["key"] == "PropertyValueOutOfRange"
        assert "at least 125000" in out["Resolution"] and "a multiple of 125000" in out["Resolution"]
    uri = offer.made({CONNECTIVITY: [{"MaxBytesPerSecond": 125_000.0, "MaxIOPS": 7.0}]})
    assert offer.profile(uri)["properties"]["provisioningProperties"]["ioConnectivity"] == {"maxIOPS": 7, "maxBWS": 1}


def test_a_volume_is_made_by_a_class_that_was_posted(offer: Offer) -> None:
    uri = offer.made({DATA: [{"ProvisioningPolicy": "Thin"}]})
    client = offer.service.client("blue-manager")
    volumes = f"{ROOT}/StorageServices/{offer.tenants['blue']}/Volumes"
    body = {"Name": "one", "CapacityBytes": 1 << 20, "Links": {"ClassOfService": {"@odata.id": uri}}}
    answer = client.finished(client.post(volumes, body))
    assert answer.status_code in (200, 201), answer.text
    volume = client.body(client.members(volumes)[0])
    assert volume["Links"]["ClassOfService"] == {"@odata.id": uri}
    refused = offer.admin.delete(uri)
    assert refused.status_code == 409, refused.text
    assert offer.admin.get(uri).status_code == 200


def test_a_line_is_changed_where_it_is(offer: Offer) -> None:
    uri = offer.made({CONNECTIVITY: [{"AccessProtocols": ["iSCSI"], "MaxIOPS": 100}]})
    line = f"{uri}/{CONNECTIVITY}/connectivity"
    before = offer.admin.get(line)
    answer = offer.admin.patch(line, {"MaxIOPS": 200}, headers={"If-Match": before.headers["ETag"]})
    assert answer.status_code == 200 and shown(answer.json()) == {"AccessProtocols": ["iSCSI"], "MaxIOPS": 200}
    assert answer.headers["ETag"] != before.headers["ETag"]
    stale = offer.admin.patch(line, {"MaxIOPS": 300}, headers={"If-Match": before.headers["ETag"]})
    assert stale.status_code == 412
    assert offer.admin.patch(line, {"MaxIOPS": None}).status_code == 200
    assert offer.profile(uri)["properties"] == {
        "provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}
    }
    # The last thing that a line says goes only with the line.
    assert offer.admin.patch(line, {"AccessProtocols": []}).status_code == 400
    assert offer.admin.delete(line).status_code == 204
    assert offer.admin.get(line).status_code == 404
    assert offer.profile(uri)["properties"] == {}


def test_changes_at_once_without_a_condition_are_all_done(offer: Offer) -> None:
    uri = offer.made({CONNECTIVITY: [{"AccessProtocols": ["iSCSI"]}], DATA: [{"ProvisioningPolicy": "Thin"}]})
    changes: list[tuple[str, dict[str, Any]]] = [
        (f"{uri}/{CONNECTIVITY}/connectivity", {"MaxIOPS": 7}),
        (f"{uri}/{CONNECTIVITY}/connectivity", {"MaxBytesPerSecond": 125_000}),
        (f"{uri}/{DATA}/storage", {"IsSpaceEfficient": True}),
        (f"{uri}/{DATA}/storage", {"RecoveryTimeObjectives": "Offline"}),
        (uri, {PERFORMANCE: [{"AverageIOOperationLatencyMicroseconds": 1000}]}),
        (uri, {PROTECTION: [{"ReplicaType": "Clone"}]}),
    ]
    clients = [offer.service.client() for _ in changes]
    start = threading.Barrier(len(changes))

    def patch(number: int) -> int:
        path, body = changes[number]
        clients[number].body(path)
        start.wait(20)
        return clients[number].patch(path, body).status_code

    with ThreadPoolExecutor(len(changes)) as threads:
        assert set(threads.map(patch, range(len(changes)))) == {200}
    assert offer.profile(uri)["properties"] == {
        "provisioningProperties": {
            "dataStorage": {"provisioningPolicy": "Thin", "isSpaceEfficient": True, "recoveryTimeObjective": "Offline"},
            "ioConnectivity": {"accessProtocol": "iscsi", "maxIOPS": 7, "maxBWS": 1, "latency": 1},
        },
        "dataProtectionProperties": {"dataProtection": {"replicaType": "Clone"}},
    }
    tag = {"If-Match": offer.admin.get(uri).headers["ETag"]}
    assert offer.admin.patch(uri, {PROTECTION: []}, headers=tag).status_code == 200
    assert offer.admin.patch(uri, {PERFORMANCE: []}, headers=tag).status_code == 412


def test_lines_are_put_in_replaced_and_taken_out_by_a_class(offer: Offer) -> None:
    uri = offer.made({DATA: [{"ProvisioningPolicy": "Thin"}], CONNECTIVITY: [{"MaxIOPS": 5}]})
    changes = {PERFORMANCE: [{"AverageIOOperationLatencyMicroseconds": 1000}], CONNECTIVITY: [{"MaxIOPS": 6}], DATA: []}
    answer = offer.admin.patch(uri, changes)
    assert answer.status_code == 200, answer.text
    assert offer.profile(uri)["properties"] == {
        "provisioningProperties": {"ioConnectivity": {"maxIOPS": 6, "latency": 1}}
    }
    assert DATA not in answer.json() and len(answer.json()[PERFORMANCE]) == 1


def test_what_swordfish_cannot_say_stays_through_a_change(offer: Offer) -> None:
    properties = {**GOLD, "customProperties": {"capabilities:diskType": "ssd"}}
    wanted = {"name": f"p-{uuid.uuid4()}", "properties": properties, "tenants": [offer.tenants["blue"]]}
    uri = f"{offer.classes()}/{offer.service.make('/v1/profiles', wanted)['id']}"
    assert offer.admin.patch(f"{uri}/{PROTECTION}/snapshot", {"MinLifetime": "P9D"}).status_code == 200
    after = offer.profile(uri)["properties"]
    assert after["snapshotProperties"]["retention"] == {"number": 3, "duration": 9}
    assert after["customProperties"] == {"capabilities:diskType": "ssd"}
    assert after["provisioningProperties"] == GOLD["provisioningProperties"]


def test_a_class_is_deleted(offer: Offer) -> None:
    uri = offer.made({})
    assert offer.admin.delete(uri).status_code == 204
    assert offer.admin.get(uri).status_code == 404
    assert uri not in offer.admin.members(offer.classes())


def test_a_class_that_others_offer_too_is_changed_elsewhere(offer: Offer) -> None:
    uri = f"{offer.classes()}/{offer.gold}"
    for answer in (
        offer.admin.delete(uri),
        offer.admin.patch(uri, {DATA: []}),
        offer.admin.patch(f"{uri}/{CONNECTIVITY}/connectivity", {"MaxIOPS": 1}),
        offer.admin.delete(f"{uri}/{CONNECTIVITY}/connectivity"),
    ):
        assert why(answer)[:2] == (409, "ResourceInUse")
    assert offer.profile(uri)["properties"] == GOLD


@pytest.mark.parametrize("user", ["blue-manager", "blue-reader"])
def test_classes_are_made_and_changed_by_administrators_alone(offer: Offer, user: str) -> None:
    uri = offer.made({CONNECTIVITY: [{"MaxIOPS": 5}]})
    client = offer.service.client(user)
    for answer in (
        client.post(offer.classes(), {"Name": "mine"}),
        client.patch(uri, {CONNECTIVITY: []}),
        client.patch(f"{uri}/{CONNECTIVITY}/connectivity", {"MaxIOPS": 6}),
        client.delete(f"{uri}/{CONNECTIVITY}/connectivity"),
        client.delete(uri),
    ):
        assert why(answer)[:2] == (403, "InsufficientPrivilege")
    assert offer.profile(uri)["properties"] == {"provisioningProperties": {"ioConnectivity": {"maxIOPS": 5}}}


@pytest.mark.parametrize(
    ("body", "message", "where"),
    [
        ({}, "CreateFailedMissingReqProperties", "/Name"),
        ({"Name": 5}, "PropertyValueTypeError", "/Name"),
        ({"Name": ""}, "PropertyValueFormatError", "/Name"),
        ({"Name": "a/b"}, "PropertyValueError", "/Name"),
        ({"Name": "x", "Bogus": 1}, "PropertyUnknown", "/Bogus"),
        ({"Name": "x", DATA: {}}, "PropertyValueTypeError", f"/{DATA}"),
        ({"Name": "x", DATA: ["Thin"]}, "PropertyValueTypeError", f"/{DATA}/0"),
        ({"Name": "x", DATA: [{"ProvisioningPolicy": "Thick"}]}, "PropertyValueNotInList", None),
        ({"Name": "x", DATA: [{"ProvisioningPolicy": "Thin"}] * 2}, "ArraySizeTooLong", f"/{DATA}"),
        ({"Name": "x", DATA: [{"Bogus": 1}]}, "PropertyUnknown", f"/{DATA}/0/Bogus"),
        ({"Name": "x", DATA: [{"@odata.id": 5}]}, "ResourceMissingAtURI", f"/{DATA}/0"),
        ({"Name": "x", DATA: [{"@odata.id": "/redfish/v1"}]}, "ResourceMissingAtURI", f"/{DATA}/0"),
        ({"Name": "x", CONNECTIVITY: [{"MaxIOPS": -1}]}, "PropertyValueOutOfRange", f"/{CONNECTIVITY}/0/MaxIOPS"),
        ({"Name": "x", CONNECTIVITY: [{"MaxIOPS": "many"}]}, "PropertyValueTypeError", f"/{CONNECTIVITY}/0/MaxIOPS"),
        ({"Name": "x", CONNECTIVITY: [{"MaxIOPS": 2**63}]}, "PropertyValueOutOfRange", f"/{CONNECTIVITY}/0/MaxIOPS"),
        ({"Name": "x", CONNECTIVITY: [{"MaxBytesPerSecond": 125_001}]}, "PropertyValueOutOfRange", None),
        ({"Name": "x", CONNECTIVITY: [{"AccessProtocols": ["NBD"]}]}, "PropertyValueNotInList", None),
        ({"Name": "x", CONNECTIVITY: [{"AccessProtocols": ["iSCSI", "FC"]}]}, "ArraySizeTooLong", None),
        ({"Name": "x", PROTECTION: [{"ReplicaType": "Clone"}] * 2}, "PropertyValueError", f"/{PROTECTION}/1"),
        ({"Name": "x", PROTECTION: [{"ReplicaType": "Snapshot", "MinLifetime": "PT1H"}]}, "PropertyValueError", None),
        ({"Name": "x", PROTECTION: [{"ReplicaType": "Clone", "Schedule": {}}]}, "PropertyUnknown", None),
    ],
)
def test_what_cannot_be_a_class_is_refused_with_its_place(
    offer: Offer, body: dict[str, Any], message: str, where: str | None
) -> None:
    before = offer.admin.members(offer.classes())
    status, said, related = why(offer.admin.post(offer.classes(), body))
    assert (status, said) == (400, message)
    assert where is None or where in related
    assert offer.admin.members(offer.classes()) == before


def test_a_link_to_a_line_that_is_not_there_is_refused(offer: Offer) -> None:
    for place in (f"{offer.gold}/{DATA}/nothing", f"{offer.secret}/{DATA}/storage", f"{offer.gold}/{CONNECTIVITY}/x"):
        uri = f"{offer.classes()}/{place}"
        answer = offer.admin.post(offer.classes(), {"Name": "linked", DATA: [{"@odata.id": uri}]})
        assert why(answer) == (400, "ResourceMissingAtURI", [f"/{DATA}/0"])


def test_a_name_is_taken_once(offer: Offer) -> None:
    assert offer.admin.post(offer.classes(), {"Name": "gold"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "NoOperation"),
        ({"Name": "other"}, "PropertyNotWritable"),
        ({"Bogus": 1}, "PropertyUnknown"),
        ({"ClassOfServiceVersion": "9.0.0"}, "PropertyNotWritable"),
        ({CONNECTIVITY: [{"MaxIOPS": 0}]}, "PropertyValueOutOfRange"),
    ],
)
def test_what_cannot_be_changed_stays(offer: Offer, body: dict[str, Any], message: str) -> None:
    uri = offer.made({CONNECTIVITY: [{"MaxIOPS": 5}]})
    answer = offer.admin.patch(uri, body)
    assert why(answer)[:2] == (400, message)
    assert offer.profile(uri)["version"] == 1


@pytest.mark.parametrize(
    "path", ["nothing", "gold", "{gold}/DataStorageLinesOfService/nothing", "{gold}/Nothing/storage"]
)
def test_what_is_not_there_is_not_found(offer: Offer, path: str) -> None:
    assert offer.admin.get(f"{offer.classes()}/{path.format(gold=offer.gold)}").status_code == 404
    nowhere = offer.classes().replace(offer.tenants["blue"], str(uuid.uuid4()))
    for place in (nowhere, f"{nowhere}/{offer.gold}", f"{nowhere}/{offer.gold}/{DATA}/storage"):
        assert offer.admin.get(place).status_code == 404
