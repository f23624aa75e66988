"""Services of other makers: less than the schemas allow, or other than they say. The adapter makes do, or says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.adapters.contract import AdapterSetup, Storage
from isthmus.core.context import Context
from isthmus.core.errors import (
    Conflict,
    Failed,
    Forbidden,
    InUse,
    Invalid,
    IsthmusError,
    LimitExceeded,
    Misconfigured,
    NoPlacement,
    NotFound,
    NotOffered,
    Overloaded,
    Stale,
    Unavailable,
)
from isthmus.core.model.operation import OperationState
from isthmus.core.model.request import AttachmentRequest, Changes, SnapshotRequest, VolumeRequest
from isthmus.core.model.volume import VolumeState
from isthmus.plugins.swordfish.adapter import SwordfishSystem
from tests.unit.swordfish.foreign_service import ROOT, Asked, ForeignService, Said, collection, serving

SOMEBODY = Context("t", "u", frozenset({"member"}))
GIB = 1 << 30
TASK = "/redfish/v1/TaskService/Tasks/7"
SECRET = "the-password-of-the-array"


def storage(far: ForeignService, context: Context = SOMEBODY, **settings: Any) -> Storage:
    setup = AdapterSetup("id", "array", far.address, {"user": "u", **settings}, {"password": SECRET}, 5.0)
    return SwordfishSystem(setup).storage(context)


@pytest.fixture
def bare() -> Iterator[ForeignService]:
    """Nothing but Storage below a system, no sessions, no tasks, no fabrics, wrong counts, few properties."""
    stem = "/redfish/v1/Systems/S/Storage"
    with serving(
        {
            ROOT: {"@odata.id": ROOT, "Id": "Root", "Systems": {"@odata.id": "/redfish/v1/Systems"}},
            "/redfish/v1/Systems": collection("/redfish/v1/Systems", "/redfish/v1/Systems/S"),
            "/redfish/v1/Systems/S": {"Id": "S", "Storage": {"@odata.id": stem}},
            stem: collection(stem, f"{stem}/A", f"{stem}/B", f"{stem}/gone", **{"Members@odata.count": 17}),
            f"{stem}/A": {"Id": "A", "Name": "first", "Volumes": {"@odata.id": f"{stem}/A/Volumes"}},
            f"{stem}/B": {"Id": "B", "Name": "second", "Volumes": {"@odata.id": f"{stem}/B/Volumes"}},
            f"{stem}/A/Volumes": {"Members": [{"@odata.id": f"{stem}/A/Volumes/1"}, {}, "x"]},
            f"{stem}/B/Volumes": {**collection("x", f"{stem}/B/Volumes/1"), "Members@odata.count": "many"},
            f"{stem}/A/Volumes/1": {
                "@odata.type": "#Volume.v1_0_0.Volume",
                "Id": "1",
                "Capacity": {"Data": {"AllocatedBytes": str(GIB)}},
                "Status": None,
                "Identifiers": [None, {"DurableNameFormat": "NAA", "DurableName": "6001405ABC"}],
            },
            f"{stem}/B/Volumes/1": {"Name": "data", "CapacityBytes": 5.0, "Links": [], "ReplicaInfo": "none"},
        }
    ) as service:
        yield service


def test_where_there_is_nothing_but_storage_volumes_are_found_all_the_same(bare: ForeignService) -> None:
    found = {one.id: one for one in storage(bare).volumes.list().items}
    assert set(found) == {"Systems~S~Storage~A~Volumes~1", "Systems~S~Storage~B~Volumes~1"}
    first, second = found["Systems~S~Storage~A~Volumes~1"], found["Systems~S~Storage~B~Volumes~1"]
    assert (first.name, first.size, first.identifier, first.state) == (
        "1",
        GIB,
        "naa.6001405abc",
        VolumeState.AVAILABLE,
    )
    assert (second.name, second.size, second.pool, second.profile) == ("data", 5, None, "")
    assert storage(bare).volumes.get(first.id) == first
    assert "Authorization" in bare.asked[-1].headers


def test_what_is_not_there_is_not_offered(bare: ForeignService) -> None:
    found = storage(bare)
    offers = found.describe().offers
    assert "volumes" in offers
    assert not {"volumes.create", "snapshots", "pools", "profiles", "hosts", "attachments", "events.stream"} & set(
        offers
    )
    assert found.pools.list().items == [] and found.hosts.list().items == [] and found.attachments.list().items == []
    for ask in (
        lambda: found.volumes.create(VolumeRequest("v", size=GIB)),
        lambda: found.snapshots.create(SnapshotRequest("Systems~S~Storage~A~Volumes~1", "s")),
        lambda: found.profiles.get("gold"),
        lambda: found.operations.list(),
        lambda: found.events.stream(render=lambda event: b""),
    ):
        with pytest.raises(NotOffered):
            ask()
    with pytest.raises(NotFound):
        found.attachments.create(AttachmentRequest("Systems~S~Storage~A~Volumes~1", "nobody"))
    assert bare.changes() == []


def test_one_storage_can_be_named_by_id_or_name(bare: ForeignService) -> None:
    for name in ("B", "second"):
        assert len(storage(bare, service=name).volumes.list().items) == 1
    with pytest.raises(Misconfigured):
        storage(bare, service="third").volumes.list()
    with pytest.raises(Forbidden):
        storage(bare, services={"another": "A"}).volumes.list()
    kept = storage(bare, services={"t": "B"})
    with pytest.raises(NotFound):
        kept.volumes.get("Systems~S~Storage~A~Volumes~1")


def test_a_service_that_gives_no_entity_tags_cannot_be_asked_for_a_version(bare: ForeignService) -> None:
    found = storage(bare)
    volume = found.volumes.get("Systems~S~Storage~B~Volumes~1")
    with pytest.raises(NotOffered):
        found.volumes.delete(volume.id, if_version=volume.version)
    assert bare.changes() == []


VOLUMES = "/redfish/v1/StorageServices/1/Volumes"


@pytest.fixture
def plain() -> Iterator[ForeignService]:
    """One storage service with sessions and tasks."""
    with serving(
        {
            ROOT: {
                "@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot",
                "Product": "Shelf 3000",
                "StorageServices": {"@odata.id": "/redfish/v1/StorageServices"},
                "Tasks": {"@odata.id": "/redfish/v1/TaskService"},
                "Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}},
            },
            "/redfish/v1/TaskService": {"Tasks": {"@odata.id": "/redfish/v1/TaskService/Tasks"}},
            "/redfish/v1/TaskService/Tasks": collection("/redfish/v1/TaskService/Tasks", TASK),
            "/redfish/v1/StorageServices": collection("x", "/redfish/v1/StorageServices/1"),
            "/redfish/v1/StorageServices/1": {"Id": "1", "Volumes": {"@odata.id": f"{VOLUMES}/"}},
            VOLUMES: Said(collection(VOLUMES, f"{VOLUMES}/1"), headers={"Allow": "GET, POST"}),
            f"{VOLUMES}/1": Said(
                {"@odata.type": "#Volume.v1_4_0.Volume", "Id": "1", "Name": "one", "CapacityBytes": GIB},
                headers={"ETag": 'W/"9"', "Allow": "GET"},
            ),
        }
    ) as service:
        tokens = iter(range(100))

        def login(asked: Asked) -> Said:
            assert asked.body == {"UserName": "u", "Password": SECRET}
            return Said({}, 201, {"X-Auth-Token": f"token{next(tokens)}"})

        service.answers["POST", "/redfish/v1/SessionService/Sessions"] = login
        yield service


def failing(service: ForeignService, status: int, key: str | None, **more: Any) -> None:
    """Making a volume ends with this status, and this message if any."""
    message = {"MessageId": f"Base.1.8.{key}", "Message": "No.", "Resolution": "Try less.", **more}
    body = "<html>oops</html>" if key is None else {"error": {"code": "x", "@Message.ExtendedInfo": [message]}}
    service.answers["POST", VOLUMES] = lambda asked: Said(body, status)


@pytest.mark.parametrize(
    ("status", "key", "kind"),
    [
        (400, "PropertyValueOutOfRange", Invalid),
        (400, None, Invalid),
        (403, "InsufficientPrivilege", Forbidden),
        (403, None, Forbidden),
        (403, "PasswordChangeRequired", Misconfigured),
        (404, None, NotFound),
        (405, "OperationNotAllowed", NotOffered),
        (501, None, NotOffered),
        (409, "ResourceInUse", InUse),
        (409, "ResourceAlreadyExists", Conflict),
        (409, "CreateLimitReachedForResource", LimitExceeded),
        (400, "CreateLimitReachedForResource", LimitExceeded),
        (507, None, NoPlacement),
        (409, "ResourceExhaustion", NoPlacement),
        (412, None, Stale),
        (429, None, Overloaded),
        (500, None, Failed),
        (500, "InternalError", Failed),
        (502, None, Unavailable),
        (503, "ServiceTemporarilyUnavailable", Unavailable),
    ],
)
def test_what_a_service_refuses_with_is_the_error_of_the_core(
    plain: ForeignService, status: int, key: str | None, kind: type[IsthmusError]
) -> None:
    failing(plain, status, key)
    with pytest.raises(kind) as refusal:
        storage(plain).volumes.create(VolumeRequest("v", size=GIB))
    assert type(refusal.value) is kind
    assert len([one for one in plain.changes() if one[0] == "POST"]) == 1
    assert SECRET not in str(refusal.value.to_json()) and "token" not in str(refusal.value.to_json())
    if key is not None:
        assert refusal.value.next_step == "Try less."


def test_what_is_wrong_is_named_as_the_core_names_it(plain: ForeignService) -> None:
    failing(plain, 400, "PropertyValueOutOfRange", RelatedProperties=["#/CapacityBytes"])
    with pytest.raises(Invalid) as refusal:
        storage(plain).volumes.create(VolumeRequest("v", size=GIB))
    assert refusal.value.details["field"] == "size"


def test_a_volume_that_was_made_without_saying_where_is_made_once(plain: ForeignService) -> None:
    plain.answers["POST", VOLUMES] = lambda asked: Said({"Message": "done"}, 200)
    found = storage(plain)
    wanted = VolumeRequest("v", size=GIB)
    operation = found.volumes.create(wanted, key="k")
    assert operation.state is OperationState.DONE and operation.resource is None and operation.result == {}
    assert found.volumes.create(wanted, key="k").id == operation.id
    assert plain.changes() == [("POST", VOLUMES, {"Name": "v", "CapacityBytes": GIB})]
    assert [one.headers["Idempotency-Key"] for one in plain.asked if one.method == "POST" and one.path == VOLUMES] == [
        "k"
    ]


def test_an_operation_that_was_done_at_once_is_known_after_a_restart_and_cannot_be_made_up(
    plain: ForeignService,
) -> None:
    plain.answers["POST", VOLUMES] = lambda asked: Said(None, 201, {"Location": f"https://inside.example{VOLUMES}/1"})
    made = storage(plain).volumes.create(VolumeRequest("v", size=GIB))
    assert made.result == {"volume": "StorageServices~1~Volumes~1"}
    again = storage(plain).operations.wait(made.id)
    assert (again.id, again.kind, again.state, again.result) == (made.id, made.kind, made.state, made.result)
    for other in (made.id.replace("Volumes~1", "Volumes~2"), "done~volume.delete~t~x~0", "done~x"):
        with pytest.raises(NotFound):
            storage(plain).operations.get(other)
    with pytest.raises(NotFound):
        storage(plain, Context("another", "u", frozenset())).operations.get(made.id)


def test_a_task_is_followed_to_what_its_monitor_tells(plain: ForeignService) -> None:
    states = iter(["New", "Running", "Running"])
    monitor = "/redfish/v1/TaskService/Monitors/7"
    task = {"@odata.type": "#Task.v1_4_0.Task", "@odata.id": TASK, "Id": "7", "TaskMonitor": monitor}

    def answer(asked: Asked) -> Said:
        return Said({**task, "TaskState": next(states, "Completed"), "PercentComplete": "40"})

    plain.answers["POST", VOLUMES] = lambda asked: Said(None, 202, {"Location": monitor})
    plain.answers["GET", TASK] = answer
    plain.answers["GET", monitor] = lambda asked: (
        Said({**task, "TaskState": "New"}, 202)
        if next(states, None) is not None
        else Said({"@odata.type": "#Volume.v1_4_0.Volume", "@odata.id": f"{VOLUMES}/1"}, 201)
    )
    found = storage(plain)
    operation = found.volumes.create(VolumeRequest("v", size=GIB))
    assert operation.id == "TaskService~Tasks~7" and operation.state.live and operation.progress == 0.4
    ended = found.operations.wait(operation.id, 10.0)
    assert ended.state is OperationState.DONE and ended.result == {"volume": "StorageServices~1~Volumes~1"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"MessageId": "TaskEvent.1.0.TaskAborted"}, {"MessageId": "Base.1.8.ResourceExhaustion"}], "no_placement"),
        ([{"MessageId": "Base.1.8.PropertyValueError", "Message": "Size."}], "invalid"),
        ([{"MessageId": "TaskEvent.1.0.TaskAborted", "Message": "Aborted."}], "storage_failed"),
        ([], "storage_failed"),
    ],
)
def test_why_a_task_failed_is_the_error_of_the_core(
    plain: ForeignService, messages: list[dict[str, Any]], code: str
) -> None:
    task = {"@odata.type": "#Task.v1_4_0.Task", "@odata.id": TASK, "TaskState": "Exception", "Messages": messages}
    plain.answers["POST", VOLUMES] = lambda asked: Said(task, 202)
    plain.bodies[TASK] = task
    operation = storage(plain).volumes.create(VolumeRequest("v", size=GIB))
    assert operation.state is OperationState.FAILED
    assert operation.error is not None and operation.error["code"] == code
    assert [one.state for one in storage(plain).operations.list().items] == [OperationState.FAILED]


def test_a_change_that_was_made_in_part_is_an_error(plain: ForeignService) -> None:
    info = [{"MessageId": "Base.1.8.PropertyNotWritable", "Message": "No.", "RelatedProperties": ["/DisplayName"]}]
    plain.answers["PATCH", f"{VOLUMES}/1"] = lambda asked: Said({"Name": "one", "@Message.ExtendedInfo": info})
    with pytest.raises(Invalid) as refusal:
        storage(plain).volumes.update("StorageServices~1~Volumes~1", Changes(name="two"))
    assert refusal.value.details["field"] == "name"


def test_a_service_that_wants_an_entity_tag_gets_one(plain: ForeignService) -> None:
    def delete(asked: Asked) -> Said:
        return Said(None, 204) if asked.headers.get("If-Match") == 'W/"9"' else Said({}, 428)

    plain.answers["DELETE", f"{VOLUMES}/1"] = delete
    operation = storage(plain).volumes.delete("StorageServices~1~Volumes~1")
    assert (operation.kind, operation.state) == ("volume.delete", OperationState.DONE)


def test_a_session_that_ended_is_made_anew_once(plain: ForeignService) -> None:
    held = {"token0"}

    def answer(asked: Asked) -> Said:
        if asked.headers.get("X-Auth-Token") in held:
            return Said("<html>who?</html>", 401)
        return Said({"Id": "1", "Name": "one", "CapacityBytes": 1})

    plain.answers["GET", f"{VOLUMES}/1"] = answer
    found = storage(plain)
    assert found.volumes.get("StorageServices~1~Volumes~1").name == "one"
    held.update(f"token{number}" for number in range(100))
    with pytest.raises(Misconfigured):
        found.volumes.get("StorageServices~1~Volumes~1")


def test_a_page_that_leads_to_itself_ends_and_the_password_goes_nowhere_else(plain: ForeignService) -> None:
    plain.bodies[VOLUMES] = collection(VOLUMES, f"{VOLUMES}/1", **{"Members@odata.nextLink": VOLUMES})
    assert len(storage(plain).volumes.list().items) == 1
    with serving({}) as elsewhere:
        where = {"Location": f"{elsewhere.address}{VOLUMES}/1"}
        plain.answers["GET", f"{VOLUMES}/1"] = lambda asked: Said(None, 302, where)
        plain.bodies[VOLUMES] = collection(VOLUMES, f"{elsewhere.address}{VOLUMES}/1")
        with pytest.raises(Unavailable):
            storage(plain).volumes.list()
        assert elsewhere.asked == []


def test_what_speaks_no_redfish_is_no_system() -> None:
    with serving({ROOT: "<html>Welcome</html>"}) as service, pytest.raises(Unavailable):
        storage(service).describe()
    empty = {"@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot"}
    with serving({ROOT: empty}) as service, pytest.raises(Misconfigured):
        storage(service).describe()
    with pytest.raises(Unavailable):
        SwordfishSystem(AdapterSetup("id", "array", "http://127.0.0.1:1", {"user": "u"}, {"password": SECRET})).storage(
            SOMEBODY
        ).describe()


@pytest.mark.parametrize(
    ("address", "settings", "secrets"),
    [
        (None, {"user": "u"}, {"password": "p"}),
        ("http://storage.example", {"user": "u"}, {"password": "p"}),
        ("https://storage.example/somewhere", {"user": "u"}, {"password": "p"}),
        ("https://storage.example", {}, {"password": "p"}),
        ("https://storage.example", {"user": "u"}, {}),
    ],
)
def test_what_can_never_work_is_refused(address: str | None, settings: dict[str, str], secrets: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        SwordfishSystem(AdapterSetup("id", "array", address, settings, secrets))


def test_who_acts_for_no_tenant_has_what_all_have(bare: ForeignService) -> None:
    administrator = Context(None, "u", frozenset({"admin"}))
    kept = storage(bare, administrator, services={"t": "B", "s": "A"})
    assert len(kept.volumes.list().items) == 2 and "volumes" in kept.describe().offers
    assert len(storage(bare, administrator, services={"t": "B"}).volumes.list().items) == 1


def test_a_version_from_a_list_is_as_good_as_one_from_the_thing(plain: ForeignService) -> None:
    plain.answers["DELETE", f"{VOLUMES}/1"] = lambda asked: Said(
        None, 204 if asked.headers.get("If-Match") == 'W/"9"' else 412
    )
    found = storage(plain)
    volume = found.volumes.list().items[0]
    with pytest.raises(Stale):
        found.volumes.delete(volume.id, if_version=volume.version + 1)
    assert plain.changes() == []
    assert found.volumes.delete(volume.id, if_version=volume.version).state is OperationState.DONE


def test_a_service_that_cannot_expand_after_all_is_read_member_by_member(plain: ForeignService) -> None:
    plain.bodies[ROOT]["ProtocolFeaturesSupported"] = {"ExpandQuery": {"NoLinks": True}}
    plain.answers["GET", f"{VOLUMES}?$expand=.($levels=1)"] = lambda asked: Said("<html>no</html>", 501)
    assert [one.name for one in storage(plain).volumes.list().items] == ["one"]


def test_a_task_that_is_forgotten_as_it_is_cancelled_was_cancelled(plain: ForeignService) -> None:
    plain.bodies[TASK] = {"@odata.type": "#Task.v1_4_0.Task", "@odata.id": TASK, "TaskState": "Running"}

    def forget(asked: Asked) -> Said:
        del plain.bodies[TASK]
        return Said(None, 204)

    plain.answers["DELETE", TASK] = forget
    assert storage(plain).operations.cancel("TaskService~Tasks~7").state is OperationState.CANCELLED
    with pytest.raises(NotFound):
        storage(plain).operations.get("TaskService~Tasks~7")


def test_a_volume_of_which_nobody_says_where_it_is_is_the_only_one_of_its_name(plain: ForeignService) -> None:
    plain.answers["POST", VOLUMES] = lambda asked: Said(None, 204)
    made = storage(plain).volumes.create(VolumeRequest("one", size=GIB))
    assert made.result == {"volume": "StorageServices~1~Volumes~1"}


def test_a_volume_with_two_addresses_is_known_by_the_one_that_is_listed(plain: ForeignService) -> None:
    body = {"@odata.type": "#Volume.v1_4_0.Volume", "@odata.id": f"{VOLUMES}/one", "Id": "1", "Name": "one"}
    plain.answers["POST", VOLUMES] = lambda asked: Said(body, 201)
    found = storage(plain)
    made = found.volumes.create(VolumeRequest("one", size=GIB)).result["volume"]
    assert made == found.volumes.list().items[0].id


def test_a_volume_without_a_display_name_is_renamed_by_its_name(plain: ForeignService) -> None:
    plain.answers["PATCH", f"{VOLUMES}/1"] = lambda asked: Said(None, 204)
    storage(plain).volumes.update("StorageServices~1~Volumes~1", Changes(name="two"))
    assert plain.changes() == [("PATCH", f"{VOLUMES}/1", {"Name": "two"})]


@pytest.mark.parametrize(
    "pools",
    [
        [{"@odata.id": "/redfish/v1/StorageServices/1/StoragePools/A"}],
        {
            "@odata.id": "/redfish/v1/StorageServices/1/StoragePools",
            "Members": [{"@odata.id": "/redfish/v1/StorageServices/1/StoragePools/A"}],
        },
    ],
)
def test_the_pool_is_found_however_it_is_told(plain: ForeignService, pools: Any) -> None:
    plain.bodies[f"{VOLUMES}/1"].body["CapacitySources"] = [{"ProvidingPools": pools}]
    assert storage(plain).volumes.get("StorageServices~1~Volumes~1").pool == "StorageServices~1~StoragePools~A"


@pytest.mark.parametrize(
    ("said", "size"),
    [("12", 12), (12.0, 12), ("9" * 5000, 0), (True, 0), (None, 0), (1.5, 0), ([], 0), (float("inf"), 0)],
)
def test_a_size_is_read_where_it_is_one(plain: ForeignService, said: Any, size: int) -> None:
    plain.bodies[f"{VOLUMES}/1"].body["CapacityBytes"] = said
    assert storage(plain).volumes.get("StorageServices~1~Volumes~1").size == size
