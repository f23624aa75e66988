"""Hosts and attachments of services of other makers, and the credentials that nobody keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.adapters.contract import AdapterSetup, Storage
from isthmus.core.context import Context
from isthmus.core.errors import Conflict, Forbidden, InUse, Invalid, IsthmusError, NotFound, NotOffered
from isthmus.core.model.attachment import AccessMode
from isthmus.core.model.host import Initiator
from isthmus.core.model.request import AttachmentRequest, Changes, ChapCredential, HostRequest
from isthmus.plugins.swordfish.adapter import SwordfishSystem
from isthmus.plugins.swordfish.adapter.chap import Chap
from isthmus.plugins.swordfish.adapter.paths import id_of, path_of, uri_of
from isthmus.plugins.swordfish.adapter.versions import version_of
from tests.unit.swordfish.foreign_service import ROOT, Asked, ForeignService, Said, collection, serving

SOMEBODY = Context("t", "u", frozenset({"member"}))
FABRIC = "/redfish/v1/Fabrics/SAN"
VOLUME = "/redfish/v1/Storage/1/Volumes/1"
ONE, TARGET = f"{FABRIC}/Endpoints/I1", f"{FABRIC}/Endpoints/T1"
IQN = "iqn.2004-10.com.example:one"


def storage(far: ForeignService, context: Context = SOMEBODY, key: str | None = None, **settings: Any) -> Storage:
    secrets = {"password": "p", **({} if key is None else {"chap_key": key})}
    setup = AdapterSetup("id", "array", far.address, {"user": "u", **settings}, secrets, 5.0)
    return SwordfishSystem(setup).storage(context)


def endpoint(path: str, role: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "@odata.type": "#Endpoint.v1_5_0.Endpoint",
        "@odata.id": path,
        "Id": path.rpartition("/")[2],
        "Name": name,
        "Identifiers": [{"DurableNameFormat": "iQN", "DurableName": name}],
        "ConnectedEntities": [{"EntityRole": role}],
        **more,
    }


@pytest.fixture
def san() -> Iterator[ForeignService]:
    """An iSCSI fabric without groups: each endpoint is a host of its own; one is connected."""
    connection = {
        "@odata.type": "#Connection.v1_0_0.Connection",
        "@odata.id": f"{FABRIC}/Connections/C1",
        "Id": "C1",
        "VolumeInfo": [{"Volume": {"@odata.id": VOLUME}, "AccessCapabilities": ["Read"], "LUN": 3}],
        "ConnectionKeys": {"CHAP": {"CHAPUsername": "somebody", "CHAPPassword": None}},
        "Links": {"InitiatorEndpoints": [{"@odata.id": ONE}], "TargetEndpoints": [{"@odata.id": TARGET}]},
    }
    doors = [{"IPv6Address": {"Address": "fd00::1"}}, {"IPv4Address": {"Address": "192.0.2.1"}, "Port": 3261}]
    with serving(
        {
            ROOT: {"Storage": {"@odata.id": "/redfish/v1/Storage"}, "Fabrics": {"@odata.id": "/redfish/v1/Fabrics"}},
            "/redfish/v1/Storage": collection("x", "/redfish/v1/Storage/1"),
            "/redfish/v1/Storage/1": {"Id": "1", "Volumes": {"@odata.id": "/redfish/v1/Storage/1/Volumes"}},
            "/redfish/v1/Storage/1/Volumes": collection("x", VOLUME),
            VOLUME: {"@odata.type": "#Volume.v1_0_0.Volume", "Id": "1", "CapacityBytes": 1},
            "/redfish/v1/Fabrics": collection("x", FABRIC),
            FABRIC: {
                "Id": "SAN",
                "FabricType": "iSCSI",
                "Endpoints": {"@odata.id": f"{FABRIC}/Endpoints"},
                "Connections": {"@odata.id": f"{FABRIC}/Connections"},
            },
            f"{FABRIC}/Endpoints": collection("x", ONE, TARGET),
            ONE: endpoint(ONE, "Initiator", IQN),
            TARGET: endpoint(TARGET, "Target", "iqn.2004-10.com.example:array", IPTransportDetails=doors),
            f"{FABRIC}/Connections": collection("x", f"{FABRIC}/Connections/C1"),
            f"{FABRIC}/Connections/C1": connection,
        }
    ) as service:
        yield service


def test_an_initiator_without_a_group_is_a_host_and_a_target_is_none(san: ForeignService) -> None:
    found = storage(san)
    assert [(one.name, one.initiators) for one in found.hosts.list().items] == [(IQN, (Initiator("iscsi", IQN),))]
    host = found.hosts.list().items[0].id
    assert found.hosts.ensure(HostRequest("one", (Initiator("iscsi", IQN),))).id == host
    cases: list[tuple[Callable[[], Any], type[IsthmusError]]] = [
        (lambda: found.hosts.get(id_of(TARGET)), NotFound),
        (lambda: found.hosts.get("Storage~1~Volumes~1"), NotFound),
        (lambda: found.hosts.update(host, Changes(initiators=())), NotOffered),
        (lambda: found.hosts.update(host, Changes(name="two")), NotOffered),
        (lambda: found.hosts.create(HostRequest("none")), NotOffered),
        (lambda: found.hosts.create(HostRequest("n", (Initiator("nbd", "n"),))), NotOffered),
        (lambda: found.hosts.create(HostRequest("n", (Initiator("iscsi", "i"),), os_type="linux")), NotOffered),
    ]
    for ask, error in cases:
        with pytest.raises(error):
            ask()
    assert san.changes() == []


def test_a_connection_is_read_as_far_as_it_is_told(san: ForeignService) -> None:
    found = storage(san, key="sixteen characters")
    attachment = found.attachments.list().items[0]
    assert (attachment.mode, attachment.volume) == (AccessMode.READ_ONLY, id_of(VOLUME))
    assert attachment.connection == {
        "iqn": "iqn.2004-10.com.example:array",
        "portals": ["[fd00::1]:3260", "192.0.2.1:3261"],
        "lun": 3,
        "chap_user": "somebody",
    }
    with pytest.raises(NotOffered, match="secret"):
        found.attachments.connection(attachment.id)
    del san.bodies[f"{FABRIC}/Connections/C1"]["ConnectionKeys"]
    assert storage(san).attachments.connection(attachment.id).secrets == {}


def test_a_secret_is_chosen_here_and_found_again_from_the_name_alone(san: ForeignService) -> None:
    made: list[Any] = []

    def connect(asked: Asked) -> Said:
        made.append(asked.body)
        san.bodies[f"{FABRIC}/Connections/C1"] = {**asked.body, "@odata.type": "#Connection.v1_0_0.Connection"}
        return Said(None, 201, {"Location": f"{FABRIC}/Connections/C1"})

    san.answers["POST", f"{FABRIC}/Connections"] = connect
    wanted = AttachmentRequest(id_of(VOLUME), id_of(ONE))
    result = storage(san, key="sixteen characters").attachments.create(wanted, key="k").result
    assert result == {"attachment": "Fabrics~SAN~Connections~C1"}
    assert made[0]["Links"] == {"InitiatorEndpoints": [{"@odata.id": ONE}]}
    chap = made[0]["ConnectionKeys"]["CHAP"]
    later = storage(san, key="sixteen characters").attachments.connection(result["attachment"])
    assert later.secrets == {"chap_secret": chap["CHAPPassword"]} and len(chap["CHAPPassword"]) == 16
    with pytest.raises(NotOffered):
        storage(san, key="another key of sixteen").attachments.connection(result["attachment"])
    storage(san, key="sixteen characters").attachments.create(wanted, key="k")
    assert made[1] == made[0]
    storage(san, key="sixteen characters").attachments.create(wanted)
    assert made[2]["ConnectionKeys"] != made[0]["ConnectionKeys"]


def test_a_chosen_secret_that_comes_back_in_an_error_is_not_handed_on(san: ForeignService) -> None:
    def refuse(asked: Asked) -> Said:
        secret = asked.body["ConnectionKeys"]["CHAP"]["CHAPPassword"]
        info = [{"MessageId": "Base.1.8.PropertyValueFormatError", "Message": f"'{secret}' is wrong."}]
        return Said({"error": {"@Message.ExtendedInfo": info}}, 400)

    san.answers["POST", f"{FABRIC}/Connections"] = refuse
    wanted = AttachmentRequest(id_of(VOLUME), id_of(ONE), credential=ChapCredential("chosen-by-a-test", "one"))
    with pytest.raises(Invalid) as refusal:
        storage(san).attachments.create(wanted)
    assert "chosen-by-a-test" not in str(refusal.value.to_json()) and refusal.value.__cause__ is None


def test_tenants_that_are_kept_apart_see_no_attachment_of_another(san: ForeignService) -> None:
    kept = storage(san, services={"t": "2", "s": "1"})
    with pytest.raises(Forbidden):
        storage(san, services={"s": "1"}).attachments.list()
    other = Context("s", "u", frozenset({"member"}))
    assert len(storage(san, other, services={"s": "1"}).attachments.list().items) == 1
    san.bodies["/redfish/v1/Storage/2"] = {"Id": "2", "Volumes": {"@odata.id": "/redfish/v1/Storage/2/Volumes"}}
    san.bodies["/redfish/v1/Storage"] = collection("x", "/redfish/v1/Storage/1", "/redfish/v1/Storage/2")
    san.bodies["/redfish/v1/Storage/2/Volumes"] = collection("x")
    assert kept.attachments.list().items == []
    with pytest.raises(NotFound):
        kept.attachments.delete("Fabrics~SAN~Connections~C1")
    assert san.changes() == []


def test_what_was_made_for_a_host_that_could_not_be_made_goes_again(san: ForeignService) -> None:
    san.bodies[FABRIC]["EndpointGroups"] = {"@odata.id": f"{FABRIC}/EndpointGroups"}
    paths = iter([f"{FABRIC}/Endpoints/N1", f"{FABRIC}/Endpoints/N2"])
    san.answers["POST", f"{FABRIC}/Endpoints"] = lambda asked: Said(None, 201, {"Location": next(paths)})
    san.answers["POST", f"{FABRIC}/EndpointGroups"] = lambda asked: Said({}, 409)
    names = tuple(Initiator("iscsi", f"{IQN}{number}") for number in range(2))
    with pytest.raises(Conflict):
        storage(san).hosts.create(HostRequest("web", names))
    made = [(method, path) for method, path, _ in san.changes()]
    gone = [("DELETE", f"{FABRIC}/Endpoints/N2"), ("DELETE", f"{FABRIC}/Endpoints/N1")]
    assert made[:2] == [("POST", f"{FABRIC}/Endpoints")] * 2 and made[-2:] == gone


def test_a_host_with_connections_stays(san: ForeignService) -> None:
    san.bodies[ONE]["Links"] = {"Connections": [{"@odata.id": f"{FABRIC}/Connections/C1"}]}
    with pytest.raises(InUse):
        storage(san).hosts.delete(id_of(ONE))
    assert san.changes() == []


def test_a_name_that_another_key_made_has_no_secret() -> None:
    chap, other = Chap("sixteen characters"), Chap("sixteen character2")
    made = {chap.make(None).user for _ in range(50)}
    assert len(made) == 50
    for name in made:
        assert chap.secret(name) and other.secret(name) is None
    for name in ("", "host-", "isthmus-1", "host-" + "0" * 32, next(iter(made))[:-1]):
        assert chap.secret(name) is None


@given(st.lists(st.text("abcXYZ019-._:~", min_size=1).filter(lambda one: one not in (".", "..")), min_size=1))
def test_an_id_leads_back_to_where_it_came_from(segments: list[str]) -> None:
    path = ROOT + "/".join(segments)
    assert uri_of(id_of(path)) == path.replace("~", "%7E")


@pytest.mark.parametrize("identifier", ["", "..", "a~..~b", "a/b", "a?b", "a#b", "~", "a~~b", "a\nb", "//evil.example"])
def test_what_is_no_id_leads_nowhere(identifier: str) -> None:
    with pytest.raises(NotFound):
        uri_of(identifier)


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/redfish/v1/Storage/", "/redfish/v1/Storage"),
        ("https://inside.example/redfish/v1/X?$skip=2", "/redfish/v1/X?$skip=2"),
        ("/redfish/v1/../../v1/users", None),
        ("relative", None),
        (7, None),
        (None, None),
        ("http://[", None),
    ],
)
def test_links_are_followed_as_paths(link: Any, path: str | None) -> None:
    assert path_of(link) == path


@given(st.text(min_size=1), st.text(min_size=1))
def test_versions_are_those_of_entity_tags(one: str, other: str) -> None:
    first, second = {"@odata.etag": one, "Name": "a"}, {"@odata.etag": other, "Name": "b"}
    assert 1 <= version_of(first) <= 1 << 52
    assert (version_of(first) == version_of(second)) == (one == other)
    assert version_of({"Name": one}) == version_of({"Name": one})
    assert (version_of({"Name": one}) == version_of({"Name": other})) == (one == other)
