"""Changes that wait for a maintenance window: kept, begun in it, and told of as if they had been asked for then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.environment.redfish import PASSWORD, RedfishClient, RedfishService
from tests.environment.server import running_server as running
from tests.environment.server import until
from tests.integration.swordfish.volume_world import GIB, ODD, World, related, said, volume_world

TASKS = "/redfish/v1/TaskService/Tasks"
WINDOW = "@Redfish.MaintenanceWindow"
START, SECONDS = "MaintenanceWindowStartTime", "MaintenanceWindowDurationInSeconds"
SUPPORT = "@Redfish.OperationApplyTimeSupport"
LATER = {"@Redfish.OperationApplyTime": "AtMaintenanceWindowStart"}
AHEAD = 2.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("maintenance")) as made:
        yield made


@pytest.fixture(autouse=True)
def default(world: World) -> None:
    """Each test begins with the default window."""
    assert world.client.patch(world.home, {WINDOW: None}).status_code in (200, 400)


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _set(client: RedfishClient, home: str, ahead: float = AHEAD, seconds: int = 600) -> datetime:
    """Set a window that opens in so many seconds at most; returns when."""
    start = (_now() + timedelta(seconds=ahead)).replace(microsecond=0)
    answer = client.patch(home, {WINDOW: {START: _text(start), SECONDS: seconds}})
    assert answer.status_code == 200, answer.text
    shown = answer.json()[WINDOW]
    assert (shown[START], shown[SECONDS]) == (_text(start), seconds)
    return start


def _pending(client: RedfishClient, answer: requests.Response) -> str:
    """The URI of the task that waits."""
    assert answer.status_code == 202, answer.text
    task: dict[str, Any] = answer.json()
    assert task["TaskState"] == "Pending"
    assert "StartTime" not in task and "EndTime" not in task
    assert answer.headers["Location"] == task["TaskMonitor"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    return str(task["@odata.id"])


def _ended(client: RedfishClient, task: str) -> dict[str, Any]:
    def seen() -> dict[str, Any] | None:
        body = client.body(task)
        return body if body["TaskState"] in ("Completed", "Cancelled", "Exception") else None

    found: dict[str, Any] = until(seen, why=f"{task} does not end")
    return found


def _far(world: World) -> None:
    _set(world.client, world.home, 86400.0)


def _delete(client: RedfishClient, uri: str, body: Any = LATER, **options: Any) -> requests.Response:
    return client.request("DELETE", uri, body, **options)


def test_the_default_window_is_shown_wherever_changes_may_wait(world: World) -> None:
    window = world.client.body(world.home)[WINDOW]
    assert window[SECONDS] == 14400
    start = _time(window[START])
    assert (start.hour, start.minute, start.second) == (2, 0, 0)
    assert start - timedelta(days=1) < _now() < start + timedelta(hours=4)
    volume = world.volume("shown")
    action = world.client.body(volume["@odata.id"])["Actions"]["#Volume.CreateReplicaTarget"]
    for support in (world.client.body(world.volumes)[SUPPORT], volume[SUPPORT], action[SUPPORT]):
        assert support["SupportedValues"] == ["Immediate", "AtMaintenanceWindowStart"]
        assert support["MaintenanceWindowResource"] == {"@odata.id": world.home}
        assert (support[START], support[SECONDS]) == (window[START], window[SECONDS])


def test_a_window_is_set_conditionally_shown_everywhere_and_taken_back(world: World) -> None:
    volume = world.volume("follows")
    before = world.client.body(world.home)
    tag = {"If-Match": before["@odata.etag"]}
    body = {WINDOW: {START: "2099-05-01T00:30:00+02:00", SECONDS: 3600}}
    set_so = world.client.patch(world.home, body, headers=tag)
    assert set_so.status_code == 200
    assert set_so.json()[WINDOW][START] == "2099-04-30T22:30:00Z"
    assert set_so.json()["@odata.etag"] != before["@odata.etag"]
    assert world.client.patch(world.home, body, headers=tag).status_code == 412
    shorter = world.client.patch(world.home, {WINDOW: {SECONDS: 60}})
    assert shorter.json()[WINDOW] | {"@odata.type": ""} == {
        START: "2099-04-30T22:30:00Z", SECONDS: 60, "@odata.type": "",
    }  # fmt: skip
    until(lambda: world.client.body(volume["@odata.id"])[SUPPORT][SECONDS] == 60)
    until(lambda: world.client.body(world.volumes)[SUPPORT][SECONDS] == 60)
    assert world.client.body(volume["@odata.id"])["@odata.etag"] != volume["@odata.etag"]
    assert world.client.patch(world.home, {WINDOW: None}).json()[WINDOW] == before[WINDOW]


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ({START: "2020-01-01T00:00:00Z", SECONDS: 3600}, "PropertyValueIncorrect"),
        ({START: "2099-01-01T00:00:00", SECONDS: 3600}, "PropertyValueFormatError"),
        ({START: "2099-13-01T00:00:00Z", SECONDS: 3600}, "PropertyValueFormatError"),
        ({START: "9999-12-31T23:59:59-14:00", SECONDS: 3600}, "PropertyValueFormatError"),
        ({START: "tomorrow"}, "PropertyValueFormatError"),
        ({START: 5}, "PropertyValueTypeError"),
        ({SECONDS: 0}, "PropertyValueOutOfRange"),
        ({SECONDS: 7 * 86400 + 1}, "PropertyValueOutOfRange"),
        ({SECONDS: 10.5}, "PropertyValueTypeError"),
        ({"Bogus": 1}, "PropertyUnknown"),
        ("soon", "PropertyValueTypeError"),
    ],
)
def test_a_window_that_cannot_be_is_refused(world: World, window: Any, fault: str) -> None:
    before = world.client.body(world.home)[WINDOW]
    answer = world.client.patch(world.home, {WINDOW: window})
    assert (answer.status_code, said(answer)) == (400, [fault]), answer.text
    assert related(answer)[0].startswith(f"/{WINDOW}")
    assert world.client.body(world.home)[WINDOW] == before


def test_a_volume_is_made_when_the_window_opens(world: World) -> None:
    start = _set(world.client, world.home)
    answer = world.client.post(world.volumes, {**world.body("made later"), **LATER})
    task = _pending(world.client, answer)
    assert world.client.body(task)["Name"] == "Create volume"
    until(lambda: f"not before {_text(start)}" in world.client.body(task)["Description"])
    assert world.client.members(f"{world.volumes}?$filter=Name%20eq%20'made%20later'") == []
    assert world.client.get(answer.headers["Location"]).status_code == 202
    done = world.client.finished(answer)
    assert _now() >= start
    assert done.status_code == 201
    assert done.json()["Name"] == "made later"
    assert done.headers["Location"] == done.json()["@odata.id"]
    ended = _ended(world.client, task)
    assert (ended["TaskState"], ended["TaskStatus"], ended["PercentComplete"]) == ("Completed", "OK", 100)
    assert _time(ended["StartTime"]) >= start
    assert ended["Links"]["CreatedResources"] == [{"@odata.id": done.json()["@odata.id"]}]
    assert world.client.get(answer.headers["Location"]).status_code == 201


def test_while_the_window_is_open_it_is_done_at_once(world: World) -> None:
    _set(world.client, world.home, ahead=-5.0)
    answer = world.client.finished(world.client.post(world.volumes, {**world.body("now"), **LATER}))
    assert answer.status_code == 201
    tasks = world.client.members(TASKS)
    assert world.client.body(tasks[0])["TaskState"] == "Completed"


@pytest.mark.parametrize("at", ["task", "monitor"])
def test_what_waits_is_cancelled_and_nothing_was_changed(world: World, at: str) -> None:
    _far(world)
    count = world.client.body(world.volumes)["Members@odata.count"]
    answer = world.client.post(world.volumes, {**world.body("never"), **LATER})
    task, monitor = _pending(world.client, answer), answer.headers["Location"]
    assert world.client.delete(task if at == "task" else monitor).status_code == 204
    ended = _ended(world.client, task)
    assert (ended["TaskState"], ended["TaskStatus"]) == ("Cancelled", "Warning")
    assert world.client.get(monitor).status_code == 410
    assert world.client.body(world.volumes)["Members@odata.count"] == count


def test_nonsense_is_refused_when_it_is_asked_for(world: World) -> None:
    _far(world)
    volume = world.volume("sensible")
    uri, before = volume["@odata.id"], world.tasks()
    home = world.home
    wrong = [
        (409, world.client.post(world.volumes, {**world.body("huge", 1 << 60), **LATER})),
        (400, world.client.post(world.volumes, {**world.body("small", 0), **LATER})),
        (400, world.client.patch(uri, {"CapacityBytes": GIB // 2, **LATER})),
        (400, world.client.patch(uri, {"DisplayName": " x", **LATER})),
        (400, world.client.patch(uri, LATER)),
        (412, world.client.patch(uri, {"CapacityBytes": 2 * GIB, **LATER}, headers={"If-Match": '"old"'})),
        (412, _delete(world.client, uri, headers={"If-Match": '"old"'})),
        (404, _delete(world.client, f"{home}/Volumes/none")),
        (400, _delete(world.client, uri, {"@Redfish.OperationApplyTime": "OnReset"})),
        (400, world.client.request("DELETE", uri, data="{", headers={"Content-Type": "application/json"})),
        (400, world.client.patch(uri, {"DisplayName": "x", "@Redfish.SettingsApplyTime": {"ApplyTime": LATER}})),
    ]
    assert [answer.status_code for _, answer in wrong] == [status for status, _ in wrong]
    assert world.tasks() == before
    assert world.client.body(uri)["Name"] == "sensible"


def test_a_volume_that_is_in_use_is_not_kept_for_deletion(world: World) -> None:
    _far(world)
    volume = world.volume("copied")
    world.replica(volume, "Snapshot")
    assert _delete(world.client, volume["@odata.id"]).status_code == 409


def test_what_does_not_offer_it_refuses_it(world: World) -> None:
    _far(world)
    later = {"DisplayName": "x", "@Redfish.SettingsApplyTime": {"ApplyTime": "AtMaintenanceWindowStart"}}
    volume = world.volume("immediate")["@odata.id"]
    class_of_service = world.classes["memory"]
    for answer in (
        world.client.patch(volume, later),
        world.client.post(f"{world.home}/ClassesOfService", {"Name": "x", **LATER}),
        world.client.patch(class_of_service, {"Name": "x", **LATER}),
        _delete(world.client, class_of_service),
        world.client.patch(world.home, {WINDOW: {SECONDS: 60}, **LATER}),
    ):
        assert (answer.status_code, said(answer)) == (400, ["PropertyValueNotInList"])
    assert world.client.get(class_of_service).status_code == 200
    odd = world.client.patch(volume, {WINDOW: {SECONDS: 60}})
    assert (odd.status_code, said(odd)) == (400, ["PropertyUnknown"])
    made = world.client.post(world.volumes, {**world.body("x"), WINDOW: {SECONDS: 60}})
    assert (made.status_code, said(made)) == (400, ["PropertyUnknown"])


def test_a_volume_goes_when_the_window_opens(world: World) -> None:
    volume = world.volume("goes")["@odata.id"]
    _set(world.client, world.home)
    answer = _delete(world.client, volume)
    task = _pending(world.client, answer)
    assert world.client.get(volume).status_code == 200
    assert world.client.finished(answer).status_code == 204
    assert world.client.get(volume).status_code == 404
    ended = _ended(world.client, task)
    assert (ended["TaskState"], ended["Name"]) == ("Completed", "Delete volume")


def test_a_body_that_says_nothing_of_time_is_passed_over_by_a_deletion(world: World) -> None:
    volume = world.volume("gone")["@odata.id"]
    answer = world.client.finished(_delete(world.client, volume, {"Anything": [1]}))
    assert answer.status_code == 204


def test_a_volume_grows_and_is_renamed_when_the_window_opens(world: World) -> None:
    volume = world.volume("small")["@odata.id"]
    _set(world.client, world.home)
    both = world.client.patch(volume, {"CapacityBytes": 2 * GIB, "DisplayName": "large", **LATER})
    task = _pending(world.client, both)
    assert (world.client.body(volume)["Name"], world.client.body(volume)["CapacityBytes"]) == ("small", GIB)
    done = world.client.finished(both)
    assert done.status_code == 200
    assert (done.json()["Name"], done.json()["CapacityBytes"]) == ("large", 2 * GIB)
    assert "CreatedResources" not in _ended(world.client, task).get("Links", {})


def test_a_name_alone_waits_too(world: World) -> None:
    volume = world.volume("before")
    snapshot = world.replica(volume, "Snapshot", "picture")
    _set(world.client, world.home)
    answers = {
        uri: world.client.patch(uri, {"DisplayName": "after", **LATER})
        for uri in (volume["@odata.id"], snapshot["@odata.id"])
    }
    for answer in answers.values():
        _pending(world.client, answer)
    for uri, answer in answers.items():
        done = world.client.finished(answer)
        assert (done.status_code, done.json()["Name"]) == (200, "after")
        assert world.client.body(uri)["Name"] == "after"


def test_the_condition_of_a_request_holds_at_the_window_or_nothing_is_changed(world: World) -> None:
    volume = world.volume("conditional")["@odata.id"]
    _set(world.client, world.home)
    tag = {"If-Match": until(lambda: world.client.body(volume))["@odata.etag"]}
    grown = world.client.patch(volume, {"CapacityBytes": 2 * GIB, **LATER}, headers=tag)
    task = _pending(world.client, grown)
    assert world.client.patch(volume, {"DisplayName": "overtaken"}).status_code == 200
    done = world.client.finished(grown)
    assert (done.status_code, said(done)) == (412, ["PreconditionFailed"])
    ended = _ended(world.client, task)
    assert (ended["TaskState"], ended["TaskStatus"]) == ("Exception", "Critical")
    assert ended["Messages"][0]["MessageId"].endswith(".PreconditionFailed")
    assert world.client.body(volume)["CapacityBytes"] == GIB


def test_of_one_volume_changes_are_made_in_the_order_in_which_they_were_asked_for(world: World) -> None:
    volume = world.volume("in order")
    uri, target = volume["@odata.id"], volume["Actions"]["#Volume.CreateReplicaTarget"]["target"]
    _set(world.client, world.home)
    wanted = {
        "ReplicaType": "Snapshot",
        "ReplicaUpdateMode": "Synchronous",
        "TargetStoragePool": volume["Links"]["ProvidingStoragePool"]["@odata.id"],
        **LATER,
    }
    answers = [world.client.post(target, {**wanted, "VolumeName": "first"})]
    for size in (2, 3):
        answers.append(world.client.patch(uri, {"CapacityBytes": size * GIB, **LATER}))
        answers.append(world.client.post(target, {**wanted, "VolumeName": f"of {size}"}))
    for answer in answers:
        _pending(world.client, answer)
    done = [world.client.finished(answer) for answer in answers]
    assert [answer.status_code for answer in done] == [201, 200, 201, 200, 201]
    assert [answer.json()["CapacityBytes"] // GIB for answer in done[::2]] == [1, 2, 3]


def test_a_task_tells_of_the_change_as_if_it_had_been_asked_for_then(world: World) -> None:
    _set(world.client, world.home)
    with world.hanging():
        answer = world.client.post(world.volumes, {**world.body("slow", of="odd"), **LATER})
        task = _pending(world.client, answer)
        until(lambda: world.client.body(task)["TaskState"] == "Running")
        assert "StartTime" in world.client.body(task)
        assert world.client.get(answer.headers["Location"]).status_code == 202
        assert world.client.delete(task).status_code == 204
    assert _ended(world.client, task)["TaskState"] == "Cancelled"
    assert world.client.get(answer.headers["Location"]).status_code == 410
    with world.refusing():
        _set(world.client, world.home)
        refused = world.client.post(world.volumes, {**world.body("refused", of="odd"), **LATER})
        task = _pending(world.client, refused)
        done = world.client.finished(refused)
    assert done.status_code == 409 and "headache" in done.text
    ended = _ended(world.client, task)
    assert ended["TaskState"] == "Exception" and "headache" in ended["Messages"][0]["Resolution"]


def test_the_same_key_is_the_same_task_before_and_after(world: World) -> None:
    _set(world.client, world.home)
    key = {"Idempotency-Key": "once in the window"}
    body = {**world.body("once"), **LATER}
    first = world.client.post(world.volumes, body, headers=key)
    task = _pending(world.client, first)
    assert world.client.post(world.volumes, body, headers=key).json()["@odata.id"] == task
    made = world.client.finished(first)
    _far(world)
    again = world.client.post(world.volumes, body, headers=key)
    assert (again.status_code, again.json()["@odata.id"]) == (201, made.json()["@odata.id"])
    other = world.client.post(world.volumes, {**body, "Name": "other"}, headers=key)
    assert (other.status_code, said(other)) == (400, ["HeaderInvalid"])


@pytest.fixture(scope="module")
def people(world: World) -> dict[str, RedfishClient]:
    """Users of the tenant by role, and one of another."""
    tenant = world.home.rpartition("/")[2]
    other = world.service.make("/v1/tenants", {"name": "neighbours"})["id"]
    for name, owner in (("reader", tenant), ("member", tenant), ("neighbour", other)):
        role = "member" if name == "neighbour" else name
        user = {"name": name, "tenant": owner, "roles": [role], "password": PASSWORD}
        world.service.make("/v1/users", user)
    return {name: world.service.client(name) for name in ("reader", "member", "neighbour")}


def test_who_may_change_volumes_sets_the_window_of_the_own_tenant(
    world: World, people: dict[str, RedfishClient]
) -> None:
    _set(people["member"], world.home, 86400.0)
    assert people["reader"].patch(world.home, {WINDOW: {SECONDS: 60}}).status_code == 403
    assert people["neighbour"].patch(world.home, {WINDOW: {SECONDS: 60}}).status_code == 404
    assert people["neighbour"].get(world.home).status_code == 404
    (own,) = people["neighbour"].members("/redfish/v1/StorageServices")
    assert people["neighbour"].body(own)[WINDOW][SECONDS] == 14400
    _set(people["neighbour"], own, 3600.0, 77)
    assert world.client.body(world.home)[WINDOW][SECONDS] == 600


def test_it_is_done_as_who_asked(world: World, people: dict[str, RedfishClient]) -> None:
    reader, member, neighbour = (people[name] for name in ("reader", "member", "neighbour"))
    _set(member, world.home)
    assert reader.post(world.volumes, {**world.body("x"), **LATER}).status_code == 403
    answer = member.post(world.volumes, {**world.body("by a member"), **LATER})
    task = _pending(member, answer)
    assert reader.body(task)["TaskState"] == "Pending"
    assert reader.delete(task).status_code == 403
    assert neighbour.get(task).status_code == 404 and neighbour.delete(task).status_code == 404
    assert member.finished(answer).status_code == 201


def test_no_death_loses_what_waits_and_what_was_missed_says_so(tmp_path: Path) -> None:
    with volume_world(tmp_path) as world:
        first = _set(world.client, world.home, AHEAD, 1)
        missed = _pending(world.client, world.client.post(world.volumes, {**world.body("missed"), **LATER}))
        second = _set(world.client, world.home, 12.0, 600)
        answer = world.client.post(world.volumes, {**world.body("kept"), **LATER})
        kept, monitor = _pending(world.client, answer), answer.headers["Location"]
        world.service.server.kill()
        assert _now() < first, "the server was to die before the window"
        volumes = world.volumes
    until(lambda: _now() > first + timedelta(seconds=1))
    with running(tmp_path, distributions=[ODD]) as server:
        service = RedfishService(server)
        client = service.client()
        ended = _ended(client, missed)
        assert ended["TaskState"] == "Exception"
        assert "window ended" in ended["Messages"][0]["Resolution"]
        assert client.get(ended["TaskMonitor"]).status_code == 409
        if _now() < second:
            assert client.body(kept)["TaskState"] == "Pending"
        done = until(lambda: (found := client.get(monitor)).status_code != 202 and found)
        assert _now() >= second
        assert (done.status_code, done.json()["Name"]) == (201, "kept")
        assert len(client.members(volumes)) == 1
        service.check()
        service.close()
