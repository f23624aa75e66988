"""Bodies of the Redfish service are held against the official schemas: good ones pass, what is spoiled is told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.environment import redfish_schemas
from tests.environment.redfish_schemas import Schemas

needs_data = pytest.mark.skipif(bool(redfish_schemas.missing()), reason=redfish_schemas.missing() or "-")
Body = dict[str, Any]
Spoil = Callable[[Body], object]
SERVICE = "/redfish/v1/StorageServices/blue"
VOLUME = f"{SERVICE}/Volumes/one"


@pytest.fixture
def schemas() -> Schemas:
    return redfish_schemas.official()


@pytest.fixture
def volume(schemas: Schemas) -> Body:
    """All kinds of things that a body has: numbers, enumerations, links, embedded objects, actions, annotations."""
    return {
        "@odata.id": VOLUME,
        "@odata.type": schemas.odata_type("Volume"),
        "@odata.etag": '"5f0b"',
        "Id": "one",
        "Name": "One",
        "CapacityBytes": 1 << 30,
        "Status": {"State": "Enabled", "Health": "OK"},
        "Capacity": {"Data": {"AllocatedBytes": 4096, "ProvisionedBytes": 1 << 30}},
        "Identifiers": [{"DurableNameFormat": "UUID", "DurableName": "5f0b8a0a-2f51-4d3c-9f9e-7a3a6a3fd001"}],
        "ReplicaTargets": [{"@odata.id": f"{SERVICE}/Volumes/two"}],
        "ReplicaTargets@odata.count": 1,
        "Links": {"ClassOfService": {"@odata.id": f"{SERVICE}/ClassesOfService/gold"}},
        "Actions": {
            "#Volume.CreateReplicaTarget": {
                "target": f"{VOLUME}/Actions/Volume.CreateReplicaTarget",
                "ReplicaType@Redfish.AllowableValues": ["Snapshot", "Clone"],
            }
        },
    }


@pytest.fixture
def collection(volume: Body) -> Body:
    """A collection with one expanded member and one link."""
    return {
        "@odata.id": f"{SERVICE}/Volumes",
        "@odata.type": "#VolumeCollection.VolumeCollection",
        "Name": "Volumes",
        "Members": [volume, {"@odata.id": f"{SERVICE}/Volumes/two"}],
        "Members@odata.count": 2,
    }


@pytest.fixture
def error(schemas: Schemas) -> Body:
    unknown = schemas.messages.identifier("Base", "PropertyUnknown")
    text = schemas.messages.find(unknown).filled(["Colour"])
    message = {
        "@odata.type": schemas.odata_type("Volume").replace("Volume.v1_10_2.Volume", "Message.v1_3_0.Message"),
        "MessageId": unknown,
        "Message": text,
        "MessageArgs": ["Colour"],
        "MessageSeverity": "Warning",
        "Resolution": "Leave it out.",
        "RelatedProperties": ["#/Colour"],
    }
    return {"error": {"code": unknown, "message": text, "@Message.ExtendedInfo": [message]}}


def put(pointer: str, value: Any) -> Spoil:
    """A value in a place of a body."""

    def spoil(body: Body) -> None:
        *way, last = pointer.strip("/").split("|")
        place: Any = body
        for segment in way:
            place = place[int(segment) if isinstance(place, list) else segment]
        place[int(last) if isinstance(place, list) else last] = value

    return spoil


def without(name: str) -> Spoil:
    return lambda body: body.pop(name)


def all_of(*spoils: Spoil) -> Spoil:
    return lambda body: [spoil(body) for spoil in spoils]


@needs_data
def test_a_good_volume_has_nothing_wrong(schemas: Schemas, volume: Body) -> None:
    assert schemas.errors(volume) == []
    assert schemas.warnings(volume) == []


@needs_data
@pytest.mark.parametrize(
    ("spoil", "place", "word"),
    [
        (put("CapacityBytes", "1073741824"), "/CapacityBytes", "integer"),
        (put("CapacityBytes", 1.5), "/CapacityBytes", "integer"),
        (put("Colour", "blue"), "/", "Colour"),
        (put("Status|State", "Sleeping"), "/Status/State", "Sleeping"),
        (put("Status|Mood", "OK"), "/Status", "Mood"),
        (put("Identifiers|0|DurableNameFormat", "uuid"), "/Identifiers/0/DurableNameFormat", "uuid"),
        (put("Status", []), "/Status", "[]"),
        (without("Name"), "/", "Name"),
        (put("Name", None), "/Name", "None"),
        (put("Id", "two"), "/Id", "last segment"),
        (put("@odata.id", "/redfish/v1/Volumes/one"), "/@odata.id", "no URI of a Volume"),
        (put("@odata.id", f"{VOLUME}/"), "/@odata.id", "slash"),
        (put("@odata.type", "#Volume.v1_9_0.Volume"), "/@odata.type", "v1_10_2"),
        (put("@odata.type", "#Volume.Volume"), "/@odata.type", "v1_10_2"),
        (put("@odata.type", "#Bucket.v1_0_0.Bucket"), "/@odata.type", "no schema of Bucket"),
        (put("@odata.type", "Volume"), "/@odata.type", "not #Type"),
        (put("Actions|#Volume.CreateReplicaTarget|target", f"{VOLUME}/Actions/CreateReplicaTarget"), "/Actions", "not"),
        (put("Actions|#Volume.Paint", {"target": f"{VOLUME}/Actions/Volume.Paint"}), "/Actions", "Volume.Paint"),
        (put("Actions|Oem", {"#Isthmus.Paint": {"target": "/paint"}}), "/Actions/Oem", "/Actions/Oem/Isthmus.Paint"),
        (put("@Redfish.Copyright", "2026"), "/@Redfish.Copyright", "files"),
        (put("@Redfish.Invented", 1), "/@Redfish.Invented", "no such annotation"),
        (put("@odata.colour", 1), "/@odata.colour", "no such annotation"),
        (put("CapacityBytes@Redfish.AllowableValues", [1]), "/CapacityBytes@Redfish.AllowableValues", "string"),
        (put("ReplicaTargets@odata.count", 2), "/ReplicaTargets@odata.count", "1 members"),
        (put("Links|ClassOfService|@odata.id", f"{SERVICE}/Volumes/two"), "/Links/ClassOfService", "ClassOfService"),
        (put("Links|ClassOfService|@odata.id", "/v1/profiles/gold"), "/Links/ClassOfService", "ClassOfService"),
        (put("Links|ClassOfService|Name", "Gold"), "/Links/ClassOfService", "Name"),
        (put("ReplicaTargets|0|@odata.id", "/redfish/v1/Copies/two"), "/ReplicaTargets/0", "no URI of anything"),
    ],
)
def test_a_spoiled_volume_is_told(schemas: Schemas, volume: Body, spoil: Spoil, place: str, word: str) -> None:
    spoil(volume)
    told = schemas.errors(volume)
    assert any(line.startswith(place) and word in line for line in told), told


@needs_data
def test_what_is_left_out_by_select_is_no_error_and_what_is_there_is_still_judged(
    schemas: Schemas, volume: Body
) -> None:
    del volume["Name"], volume["Id"]
    assert schemas.errors(volume, partial=True) == []
    volume["CapacityBytes"] = "x"
    assert len(schemas.errors(volume, partial=True)) == 1


@needs_data
def test_objects_of_our_own_are_passed_over(schemas: Schemas, volume: Body) -> None:
    volume["Oem"] = {"Isthmus": {"@odata.type": "#IsthmusVolume.v1_0_0.Volume", "Anything": [{"@odata.id": "x"}]}}
    assert schemas.errors(volume) == []


@needs_data
def test_expanded_members_are_judged_by_their_own_type(schemas: Schemas, collection: Body) -> None:
    assert schemas.errors(collection) == []
    spoiled = copy.deepcopy(collection)
    spoiled["Members"][0].update(Id="two", CapacityBytes="x")
    told = schemas.errors(spoiled)
    assert [line.partition(":")[0] for line in told] == ["/Members/0/CapacityBytes", "/Members/0/Id"], told
    pool = {"@odata.type": schemas.odata_type("StoragePool"), "Id": "one", "Name": "One"}
    collection["Members"][0] = {"@odata.id": f"{SERVICE}/StoragePools/one", **pool}
    told = schemas.errors(collection)
    assert any(line.startswith("/Members/0/@odata.id") and "no URI of a Volume" in line for line in told), told


@needs_data
@pytest.mark.parametrize(
    ("spoil", "page", "good"),
    [
        (put("Members@odata.count", 3), False, False),
        (put("Members@odata.count", 1), False, False),
        (put("Members@odata.count", 3), True, True),
        (put("Members@odata.count", 1), True, False),
        (put("Members@odata.nextLink", f"{SERVICE}/Volumes?$skiptoken=x"), False, False),
        (
            all_of(put("Members@odata.nextLink", f"{SERVICE}/Volumes?$skiptoken=x"), put("Members@odata.count", 3)),
            False,
            True,
        ),
    ],
)
def test_the_count_is_that_of_all_pages(
    schemas: Schemas, collection: Body, spoil: Spoil, page: bool, good: bool
) -> None:
    spoil(collection)
    assert (schemas.errors(collection, page=page) == []) is good


@needs_data
def test_a_good_error_has_nothing_wrong(schemas: Schemas, error: Body) -> None:
    assert schemas.errors(error) == []


@needs_data
@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (put("error|@Message.ExtendedInfo|0|MessageId", "Base.1.22.ColourUnknown"), "not in its registry"),
        (put("error|@Message.ExtendedInfo|0|MessageId", "Base.1.8.PropertyUnknown"), "the registry is version"),
        (put("error|@Message.ExtendedInfo|0|MessageId", "Paint.1.0.PropertyUnknown"), "no registry Paint"),
        (put("error|@Message.ExtendedInfo|0|MessageId", "PropertyUnknown"), "Registry.Major.Minor.Key"),
        (put("error|@Message.ExtendedInfo|0|MessageArgs", []), "takes 1, not 0"),
        (put("error|@Message.ExtendedInfo|0|MessageArgs", ["Colour", "Size"]), "takes 1, not 2"),
        (put("error|@Message.ExtendedInfo|0|Message", "Colour?"), "Colour?"),
        (put("error|@Message.ExtendedInfo|0|MessageSeverity", "Fatal"), "Fatal"),
        (put("error|code", "Base.1.22.ColourUnknown"), "not in its registry"),
        (put("error|reason", "no"), "reason"),
        (put("error", {"code": "Base.1.22.GeneralError"}), "message"),
    ],
)
def test_a_spoiled_error_is_told(schemas: Schemas, error: Body, spoil: Spoil, word: str) -> None:
    spoil(error)
    told = schemas.errors(error)
    assert any(word in line for line in told), told


@needs_data
def test_messages_are_judged_wherever_they_stand(schemas: Schemas, volume: Body, error: Body) -> None:
    volume["@Message.ExtendedInfo"] = error["error"]["@Message.ExtendedInfo"]
    assert schemas.errors(volume) == []
    volume["@Message.ExtendedInfo"][0]["MessageArgs"] = []
    assert any("takes 1, not 0" in line for line in schemas.errors(volume))


@needs_data
def test_a_number_that_a_message_wants_is_a_number(schemas: Schemas) -> None:
    progress = {"MessageId": schemas.messages.identifier("TaskEvent", "TaskProgressChanged")}
    assert schemas.messages.errors({**progress, "MessageArgs": ["7", "50"]}) == []
    assert schemas.messages.errors({**progress, "MessageArgs": ["7", "half"]}) != []


@needs_data
def test_a_registry_of_our_own_joins_the_official_ones(schemas: Schemas) -> None:
    painted = {"Message": "Painted %1.", "NumberOfArgs": 1, "ParamTypes": ["string"]}
    ours = {"RegistryPrefix": "Paint", "RegistryVersion": "1.0.0", "Messages": {"Painted": painted}}
    messages = schemas.messages.including(ours)
    assert messages.errors({"MessageId": "Paint.1.0.Painted", "MessageArgs": ["blue"]}) == []
    assert messages.errors({"MessageId": messages.identifier("Base", "Success")}) == []
    assert schemas.messages.errors({"MessageId": "Paint.1.0.Painted", "MessageArgs": ["blue"]}) != []


@needs_data
@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({"v1": "/redfish/v1/"}, True),
        ({"v1": "/redfish/v1"}, False),
        ({"@odata.context": "/redfish/v1/$metadata", "value": [{"name": "S", "kind": "Singleton", "url": "/"}]}, True),
        ({"@odata.context": "/redfish/v1/$metadata", "value": [{"name": "S"}]}, False),
        ({"Name": "One"}, False),
        ([], False),
    ],
)
def test_bodies_without_a_type_are_of_three_kinds(schemas: Schemas, body: Any, good: bool) -> None:
    assert (schemas.errors(body) == []) is good


@needs_data
@pytest.mark.parametrize(
    ("pointer", "writable"),
    [
        ("/CapacityBytes", True),
        ("/Id", False),
        ("/Links/ClassOfService", False),
        ("/Links/ClassOfService/@odata.id", False),
        ("/Capacity/Data/ProvisionedBytes", True),
        ("/@odata.id", False),
    ],
)
def test_the_schema_says_what_a_client_may_write(schemas: Schemas, pointer: str, writable: bool) -> None:
    assert schemas.writable("Volume", pointer) is writable


@needs_data
def test_a_property_that_no_schema_knows_is_neither_writable_nor_not(schemas: Schemas) -> None:
    with pytest.raises(KeyError):
        schemas.writable("Volume", "/Colour")


@needs_data
@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (put("StorageGroups", {"@odata.id": f"{SERVICE}/StorageGroups"}), "/StorageGroups"),
        (put("Model", ""), "/Model"),
    ],
)
def test_what_the_service_validator_only_warns_of_is_told_apart(
    schemas: Schemas, volume: Body, spoil: Spoil, place: str
) -> None:
    spoil(volume)
    assert schemas.errors(volume) == []
    assert [line.partition(":")[0] for line in schemas.warnings(volume)] == [place]


def test_data_that_are_not_there_are_a_reason_to_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_REDFISH_SCHEMAS", str(tmp_path))
    assert redfish_schemas.folder() is None
    assert "not at hand" in redfish_schemas.missing()
    (tmp_path / "json").mkdir()
    assert redfish_schemas.folder() == tmp_path
    assert redfish_schemas.missing() == ""
