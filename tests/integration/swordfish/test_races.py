"""Many changes at once: under one entity tag one of them wins, and whoever lost has changed nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.environment.redfish import SESSIONS, RedfishClient
from tests.integration.swordfish.volume_world import GIB, World, volume_world

AT_ONCE = 8
ROUNDS = 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("races"), listen={"threads": 24}) as made:
        yield made


@pytest.fixture(scope="module")
def clients(world: World) -> list[RedfishClient]:
    """Connections that are open already, so that requests meet."""
    made = [world.service.client() for _ in range(AT_ONCE)]
    for client in made:
        client.body("/redfish/v1")
    return made


def _together(
    clients: list[RedfishClient], ask: Callable[[RedfishClient, int], requests.Response]
) -> list[requests.Response]:
    """The answers to requests that leave at the same moment."""
    gate = Barrier(len(clients))

    def one(number: int) -> requests.Response:
        gate.wait(10)
        return ask(clients[number], number)

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(one, range(len(clients))))


def _decided(world: World, answers: list[requests.Response]) -> int:
    """The number of the winner; all others must have met the condition."""
    won = [number for number, answer in enumerate(answers) if answer.status_code in (200, 202, 204)]
    assert len(won) == 1, [answer.status_code for answer in answers]
    assert {answer.status_code for number, answer in enumerate(answers) if number not in won} == {412}
    world.client.finished(answers[won[0]])
    return won[0]


def test_of_many_new_names_under_one_tag_one_wins(world: World, clients: list[RedfishClient]) -> None:
    volume = world.volume("contested")
    for _ in range(ROUNDS):
        tag = {"If-Match": world.client.body(volume["@odata.id"])["@odata.etag"]}

        def rename(client: RedfishClient, number: int, tag: dict[str, str] = tag) -> requests.Response:
            return client.patch(volume["@odata.id"], {"DisplayName": f"name {number}"}, headers=tag)

        answers = _together(clients, rename)
        winner = _decided(world, answers)
        assert world.client.body(volume["@odata.id"])["DisplayName"] == f"name {winner}"
        # The next round's names are others than this one's.
        world.client.patch(volume["@odata.id"], {"DisplayName": "between"})


@pytest.mark.parametrize("step", [0, GIB], ids=["the same size", "other sizes"])
def test_of_many_new_sizes_under_one_tag_one_wins(world: World, clients: list[RedfishClient], step: int) -> None:
    volume = world.volume("growing")
    for _ in range(ROUNDS):
        before = world.client.body(volume["@odata.id"])
        tag, size = {"If-Match": before["@odata.etag"]}, before["CapacityBytes"] + GIB

        def grow(client: RedfishClient, number: int, size: int = size, tag: dict[str, str] = tag) -> requests.Response:
            return client.patch(volume["@odata.id"], {"CapacityBytes": size + number * step}, headers=tag)

        winner = _decided(world, _together(clients, grow))
        assert world.client.body(volume["@odata.id"])["CapacityBytes"] == size + winner * step


def test_of_a_name_a_size_and_an_end_under_one_tag_one_wins(world: World, clients: list[RedfishClient]) -> None:
    for number in range(ROUNDS):
        volume = world.volume(f"torn {number}")
        uri, tag = volume["@odata.id"], {"If-Match": volume["@odata.etag"]}

        def change(client: RedfishClient, number: int, uri: str = uri, tag: dict[str, str] = tag) -> requests.Response:
            if number % 3 == 0:
                return client.delete(uri, headers=tag)
            changes = {"DisplayName": f"n{number}"} if number % 3 == 1 else {"CapacityBytes": 2 * GIB + number}
            return client.patch(uri, changes, headers=tag)

        answers = _together(clients, change)
        won = [number for number, answer in enumerate(answers) if answer.status_code in (200, 202, 204)]
        assert len(won) == 1, [answer.status_code for answer in answers]
        # Whoever comes after an end meets nothing at all.
        lost = {answer.status_code for number, answer in enumerate(answers) if number not in won}
        assert lost <= ({412, 404} if won[0] % 3 == 0 else {412})
        world.client.finished(answers[won[0]])


def test_a_session_is_ended_by_one_of_many(world: World, clients: list[RedfishClient]) -> None:
    for _ in range(ROUNDS):
        (session,) = world.service.logged_in().members(SESSIONS)
        tag = {"If-Match": world.client.get(session).headers["ETag"]}

        def end(client: RedfishClient, number: int, uri: str = session, tag: dict[str, str] = tag) -> requests.Response:
            return client.delete(uri, headers=tag)

        answers = _together(clients, end)
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 204 and set(statuses[1:]) <= {404, 412}, statuses


def test_without_a_tag_changes_come_one_after_the_other(world: World, clients: list[RedfishClient]) -> None:
    volume = world.volume("free")
    answers = _together(
        clients, lambda client, number: client.patch(volume["@odata.id"], {"DisplayName": f"free {number}"})
    )
    assert {answer.status_code for answer in answers} == {200}
    assert world.client.body(volume["@odata.id"])["DisplayName"].startswith("free ")


def test_a_storm_leaves_what_its_answers_said(world: World, clients: list[RedfishClient]) -> None:
    def life(client: RedfishClient, number: int) -> list[str]:
        """Volumes made, copied, grown and partly removed; gives the URIs of what must be left."""
        left: list[str] = []
        for turn in range(4):
            made = client.finished(client.post(world.volumes, world.body(f"storm {number}.{turn}")))
            assert made.status_code == 201, made.text
            volume: dict[str, Any] = made.json()
            uri, pool = volume["@odata.id"], volume["Links"]["ProvidingStoragePool"]["@odata.id"]
            replica: list[str] = []
            for kind in ("Snapshot", "Clone"):
                body = {"ReplicaType": kind, "ReplicaUpdateMode": "Synchronous", "TargetStoragePool": pool}
                copied = client.finished(client.post(f"{uri}/Actions/Volume.CreateReplicaTarget", body))
                assert copied.status_code == 201, copied.text
                replica.append(copied.headers["Location"])
            grown = client.finished(client.patch(uri, {"CapacityBytes": 2 * GIB}))
            assert grown.status_code == 200, grown.text
            targets = [one["@odata.id"] for one in client.body(uri)["ReplicaTargets"]]
            assert targets == replica
            if turn % 2:
                left += [uri, *replica]
            else:
                for one in (*replica, uri):
                    assert client.finished(client.delete(one)).status_code == 204
        return left

    before = set(world.client.members(world.volumes))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        left = [uri for uris in pool.map(life, clients, range(AT_ONCE)) for uri in uris]
    after = world.client.members(world.volumes)
    assert len(after) == world.client.body(world.volumes)["Members@odata.count"]
    assert set(after) - before == set(left)
    for uri in left:
        assert world.client.body(uri)["Status"] == {"State": "Enabled", "Health": "OK"}
