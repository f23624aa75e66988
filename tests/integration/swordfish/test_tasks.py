"""Long work: 202, a task, its monitor; and both ways of waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redfish  # type: ignore[import-untyped]
import requests
from redfish_utilities.tasks import poll_task_monitor  # type: ignore[import-untyped]

from tests.environment.redfish import ADMINISTRATOR, PASSWORD
from tests.environment.server import until
from tests.integration.swordfish.volume_world import GIB, World, said, volume_world

TASKS = "/redfish/v1/TaskService/Tasks"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("tasks")) as made:
        yield made


def _task(world: World, answer: requests.Response) -> str:
    """The URI of the task that a 202 shows."""
    assert answer.status_code == 202, answer.text
    task: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == task["TaskMonitor"]
    assert answer.headers["Retry-After"].isdecimal()
    return str(task["@odata.id"])


def _state(world: World, task: str, *wanted: str) -> dict[str, Any]:
    """The task once it is in one of these states."""

    def seen() -> dict[str, Any] | None:
        body = world.client.body(task)
        return body if body["TaskState"] in wanted else None

    found: dict[str, Any] = until(seen, why=f"{task} does not become {wanted}")
    return found


def test_the_service_root_leads_to_the_tasks(world: World) -> None:
    service = world.client.body(world.client.body("/redfish/v1")["Tasks"]["@odata.id"])
    assert service["Tasks"]["@odata.id"] == TASKS
    assert service["ServiceEnabled"] is True


def test_work_that_takes_longer_than_a_moment_is_a_task(world: World) -> None:
    with world.hanging():
        answer = world.client.post(world.volumes, world.body("slow", of="odd"))
        task = _task(world, answer)
        monitor = answer.headers["Location"]
        running = _state(world, task, "Running")
        assert running["PercentComplete"] < 100
        assert "TaskStatus" not in running
        assert "EndTime" not in running
        waiting = world.client.get(monitor)
        assert waiting.status_code == 202
        assert waiting.json()["@odata.id"] == task
        assert waiting.headers["Location"] == monitor
        starting = [one for one in world.client.members(world.volumes) if _starting(world, one)]
        assert len(starting) == 1
    ended = _state(world, task, "Completed")
    assert (ended["TaskStatus"], ended["PercentComplete"]) == ("OK", 100)
    assert ended["EndTime"] >= ended["StartTime"]
    assert ended["Messages"][0]["MessageId"].startswith("TaskEvent.")
    (made,) = (link["@odata.id"] for link in ended["Links"]["CreatedResources"])
    assert made == starting[0]


def _starting(world: World, uri: str) -> bool:
    return bool(world.client.body(uri)["Status"]["State"] == "Starting")


def test_who_does_not_want_to_wait_is_answered_at_once(world: World) -> None:
    answer = world.client.post(world.volumes, world.body("at once"), headers=ASYNC)
    _task(world, answer)
    assert world.client.finished(answer).status_code == 201


def test_who_is_answered_at_once_is_told_what_is_not_done_of_a_change(world: World) -> None:
    volume = world.volume("mixed")
    uri, size = volume["@odata.id"], 2 * volume["CapacityBytes"]
    answer = world.client.patch(uri, {"CapacityBytes": float(size), "Nonsense": 1, "Id": "x"}, headers=ASYNC)
    _task(world, answer)
    messages = answer.json()["@Message.ExtendedInfo"]
    assert [one["RelatedProperties"] for one in messages] == [["/Nonsense"], ["/Id"]]
    assert world.client.finished(answer).json()["CapacityBytes"] == size
    plain = world.client.patch(uri, {"CapacityBytes": 2 * size}, headers=ASYNC)
    _task(world, plain)
    assert "@Message.ExtendedInfo" not in plain.json()
    assert world.client.finished(plain).status_code == 200


def test_a_monitor_takes_no_options(world: World) -> None:
    answer = world.client.post(world.volumes, world.body("without options"), headers=ASYNC)
    assert world.client.get(f"{answer.headers['Location']}?$foo=1").status_code == 501
    assert world.client.finished(answer).status_code == 201
    before = world.client.members(world.volumes)
    assert world.client.post(f"{world.volumes}?$foo=1", world.body("never")).status_code == 501
    assert world.client.members(world.volumes) == before


def _same(monitored: requests.Response, direct: requests.Response) -> None:
    """The monitor's last answer has the status and the headers of the request's own."""
    assert monitored.status_code == direct.status_code
    assert {"location", "etag", "link"} & {name.lower() for name in monitored.headers} == {
        "location",
        "etag",
        "link",
    } & {name.lower() for name in direct.headers}
    assert bool(monitored.content) == bool(direct.content)


def test_a_monitor_ends_with_the_answer_of_the_request(world: World) -> None:
    def both(ask: Callable[[str, dict[str, str]], requests.Response], *of: str) -> list[requests.Response]:
        later, now = ask(of[0], ASYNC), ask(of[-1], {})
        assert later.status_code == 202
        done = world.client.finished(later)
        assert world.client.get(later.headers["Location"]).status_code == done.status_code
        _same(done, now)
        return [done, now]

    client = world.client
    made = [
        answer.json()["@odata.id"]
        for answer in both(lambda name, how: client.post(world.volumes, world.body(name), headers=how), "a", "b")
    ]
    assert [client.body(uri)["Name"] for uri in made] == ["a", "b"]
    grown = both(lambda uri, how: client.patch(uri, {"CapacityBytes": 2 * GIB}, headers=how), *made)
    assert [answer.json()["CapacityBytes"] for answer in grown] == [2 * GIB] * 2
    assert [answer.json()["@odata.id"] for answer in grown] == made

    def snapshot(uri: str, how: dict[str, str]) -> requests.Response:
        pool = client.body(uri)["Links"]["ProvidingStoragePool"]["@odata.id"]
        body = {"ReplicaType": "Snapshot", "ReplicaUpdateMode": "Synchronous", "TargetStoragePool": pool}
        return client.post(f"{uri}/Actions/Volume.CreateReplicaTarget", body, headers=how)

    pictures = [answer.json()["@odata.id"] for answer in both(snapshot, *made)]
    for uri in pictures:
        assert client.body(uri)["ReplicaInfo"]["ReplicaType"] == "Snapshot"
    both(lambda uri, how: client.delete(uri, headers=how), *pictures)
    both(lambda uri, how: client.delete(uri, headers=how), *made)
    assert {client.get(uri).status_code for uri in (*pictures, *made)} == {404}


def test_what_fails_fails_at_the_monitor_as_at_the_request(world: World) -> None:
    with world.refusing():
        direct = world.client.post(world.volumes, world.body("refused", of="odd"))
        later = world.client.post(world.volumes, world.body("refused", of="odd"), headers=ASYNC)
        task = _task(world, later)
        done = world.client.finished(later)
    assert direct.status_code == done.status_code == 409
    assert "headache" in done.text
    assert direct.json()["error"] == done.json()["error"]
    ended = world.client.body(task)
    assert (ended["TaskState"], ended["TaskStatus"]) == ("Exception", "Critical")
    assert "headache" in ended["Messages"][0]["Resolution"]
    assert "CreatedResources" not in ended.get("Links", {})


@pytest.mark.parametrize("at", ["task", "monitor"])
def test_deleting_a_task_or_its_monitor_cancels(world: World, at: str) -> None:
    count = world.client.body(world.volumes)["Members@odata.count"]
    with world.hanging():
        answer = world.client.post(world.volumes, world.body("cancelled", of="odd"))
        task, monitor = _task(world, answer), answer.headers["Location"]
        assert world.client.delete(task if at == "task" else monitor).status_code == 204
        assert world.client.body(task)["TaskState"] in ("Cancelling", "Cancelled")
    ended = _state(world, task, "Cancelled")
    assert ended["TaskStatus"] == "Warning"
    assert "TaskMonitor" not in ended
    gone = world.client.get(monitor)
    assert (gone.status_code, said(gone)) == (410, ["TaskCancelled"])
    assert world.client.body(world.volumes)["Members@odata.count"] == count


def test_what_has_ended_cannot_be_cancelled(world: World) -> None:
    answer = world.client.post(world.volumes, world.body("ended"), headers=ASYNC)
    task, monitor = _task(world, answer), answer.headers["Location"]
    volume = world.client.finished(answer).json()
    for uri in (task, monitor):
        refused = world.client.delete(uri)
        assert (refused.status_code, said(refused)) == (409, ["ResourceCannotBeDeleted"])
    assert world.client.body(task)["TaskState"] == "Completed"
    assert world.client.get(volume["@odata.id"]).status_code == 200


def test_tasks_are_listed_newest_first_page_after_page(world: World) -> None:
    made = [_task(world, world.client.post(world.volumes, world.body(str(n)), headers=ASYNC)) for n in range(3)]
    listed = [one["@odata.id"] for one in world.client.body(f"{TASKS}?$top=3")["Members"]]
    assert listed == made[::-1]
    everything = world.client.members(TASKS)
    assert len(everything) == len(set(everything)) == world.tasks()
    assert world.client.get(f"{TASKS}?$skiptoken=x").status_code == 400


def test_a_task_that_is_not_there_is_missing(world: World) -> None:
    for uri in (f"{TASKS}/none", "/redfish/v1/TaskService/TaskMonitors/none"):
        assert world.client.get(uri).status_code == 404
        assert world.client.delete(uri).status_code == 404


def test_another_tenant_sees_none_of_them(world: World) -> None:
    tenant = world.service.make("/v1/tenants", {"name": "strangers"})["id"]
    user = {"name": "stranger", "tenant": tenant, "roles": ["member"], "password": PASSWORD}
    world.service.make("/v1/users", user)
    stranger = world.service.client("stranger")
    answer = world.client.post(world.volumes, world.body("private"), headers=ASYNC)
    task, monitor = _task(world, answer), answer.headers["Location"]
    assert stranger.body(TASKS)["Members"] == []
    for uri in (task, monitor):
        assert stranger.get(uri).status_code == 404
        assert stranger.delete(uri).status_code == 404


def test_a_reader_waits_and_cancels_nothing(world: World) -> None:
    tenant = world.home.rpartition("/")[2]
    user = {"name": "onlooker", "tenant": tenant, "roles": ["reader"], "password": PASSWORD}
    world.service.make("/v1/users", user)
    reader = world.service.client("onlooker")
    with world.hanging():
        answer = world.client.post(world.volumes, world.body("watched", of="odd"))
        task, monitor = _task(world, answer), answer.headers["Location"]
        assert reader.get(monitor).status_code == 202
        for uri in (task, monitor):
            assert reader.delete(uri).status_code == 403
        assert reader.body(task)["TaskState"] == "Running"
    assert world.client.finished(answer).status_code == 201


def test_nobody_waits_without_credentials(world: World) -> None:
    nobody = world.service.client(None)
    assert nobody.get("/redfish/v1/TaskService/TaskMonitors/none").status_code == 401
    assert nobody.get(TASKS).status_code == 401


@pytest.fixture
def library(world: World) -> Iterator[Any]:
    """The Redfish library of Python, as its users have it."""
    client = redfish.redfish_client(
        base_url=world.service.server.address, username=ADMINISTRATOR, password=PASSWORD, cafile=world.service.server.ca
    )
    client.login(auth="basic")
    yield client
    client.logout()


def test_the_redfish_library_waits_by_monitor(world: World, library: Any) -> None:
    with world.hanging():
        first = library.post(world.volumes, body=world.body("by library", of="odd"))
        assert first.is_processing
        assert first.retry_after == 1
        assert first.monitor(library).is_processing
    deadline, answer = time.monotonic() + 20, first
    while answer.is_processing:
        assert time.monotonic() < deadline
        answer = first.monitor(library)
    assert answer.status == 201
    assert answer.dict["Name"] == "by library"
    assert library.get(answer.task_location).dict["Id"] == answer.dict["Id"]


def test_the_redfish_utilities_wait_by_monitor(world: World, library: Any) -> None:
    answer = library.post(world.volumes, body=world.body("by utilities"), headers=ASYNC)
    assert answer.is_processing
    assert poll_task_monitor(library, answer, silent=True).status == 201


def test_polling_the_task_itself_works_with_the_library(world: World, library: Any) -> None:
    answer = library.post(world.volumes, body=world.body("by task"), headers=ASYNC)
    task = answer.dict["@odata.id"]

    def ended() -> Any:
        seen = library.get(task)
        assert seen.status == 200
        return seen if seen.dict["TaskState"] == "Completed" else None

    made = until(ended).dict["Links"]["CreatedResources"][0]["@odata.id"]
    assert library.get(made).dict["Name"] == "by task"
