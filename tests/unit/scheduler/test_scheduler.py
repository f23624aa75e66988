"""Candidates and their order, extensions by others, and what threads may do at once."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from isthmus.core.errors import NoPlacement
from isthmus.core.model.pool import PoolState
from isthmus.core.profiles.requirement import Requirement
from isthmus.core.scheduler.contract import Mask, PlacementRequest, PoolFilter, Pools, RequestWeigher, Row, Vector
from isthmus.core.scheduler.ranking import highest
from isthmus.core.scheduler.scheduler import Scheduler, default_filters
from isthmus.core.scheduler.sizes import spoken
from tests.unit.scheduler.pools import GIB, pool

REQUEST = PlacementRequest(GIB, True, Requirement("default"))


def test_equal_pools_are_chosen_in_turn_by_chance() -> None:
    scheduler = Scheduler(chooser=random.Random(1))
    scheduler.replace([pool(f"p{number}", backend=f"b{number}") for number in range(6)])
    first = Counter(scheduler.propose(REQUEST).candidates[0].pool for _ in range(300))
    assert set(first) == {f"p{number}" for number in range(6)}
    assert max(first.values()) < 100


def test_chance_does_not_prefer_a_pool_that_is_clearly_worse() -> None:
    scheduler = Scheduler()
    scheduler.replace([pool("full", backend="x", provisioned=90 * GIB), pool("empty", backend="y")])
    assert {scheduler.propose(REQUEST).candidates[0].pool for _ in range(50)} == {"empty"}


def test_the_rest_follows_in_order_and_is_bounded() -> None:
    scheduler = Scheduler(candidates=5)
    scheduler.replace([pool(f"p{number}", backend=f"b{number}", provisioned=number * GIB) for number in range(60)])
    found = [candidate.score for candidate in scheduler.propose(REQUEST).candidates]
    assert len(found) == 5
    assert found[1:] == sorted(found[1:], reverse=True)


def test_a_reservation_counts_at_once_and_its_end_too() -> None:
    scheduler = Scheduler()
    scheduler.upsert(pool("a", total=10 * GIB))
    assert scheduler.adjust("a", 10 * GIB)
    with pytest.raises(NoPlacement):
        scheduler.propose(REQUEST)
    scheduler.adjust("a", -GIB)
    assert [candidate.pool for candidate in scheduler.propose(REQUEST).candidates] == ["a"]
    assert not scheduler.adjust("unknown", 1)


def test_a_proposal_changes_nothing() -> None:
    scheduler = Scheduler()
    scheduler.upsert(pool("a", total=GIB))
    for _ in range(3):
        assert len(scheduler.propose(REQUEST).candidates) == 1


def test_a_report_replaces_what_was_adjusted_and_moves_the_pool_where_it_belongs() -> None:
    scheduler = Scheduler()
    found = pool("a", total=GIB)
    scheduler.upsert(found)
    scheduler.adjust("a", GIB)
    scheduler.upsert(found)
    assert scheduler.propose(REQUEST).candidates[0].pool == "a"
    scheduler.upsert(replace(found, state=PoolState.UNAVAILABLE))
    with pytest.raises(NoPlacement, match="1 refused by state"):
        scheduler.propose(REQUEST)


def test_what_is_told_of_a_pool_is_its_latest_report() -> None:
    scheduler = Scheduler()
    for reason in ("does not answer", "is on fire"):
        scheduler.upsert(pool("a", state=PoolState.UNAVAILABLE, reason=reason))
        with pytest.raises(NoPlacement) as caught:
            scheduler.propose(REQUEST)
        assert caught.value.details["explanation"]["refused"][0]["reason"] == reason


def test_pools_that_are_gone_are_forgotten_and_their_place_is_used_again() -> None:
    scheduler = Scheduler()
    scheduler.replace([pool(f"p{number}", zone=f"z{number}", backend=f"b{number}") for number in range(100)])
    for number in range(300):
        scheduler.remove(f"p{number}")
        scheduler.upsert(pool(f"p{number + 100}", zone=f"z{number % 7}", capabilities={"advanced": {"x": number}}))
    assert len(scheduler) == 100
    scheduler.replace([pool("last")])
    assert len(scheduler) == 1
    assert [candidate.pool for candidate in scheduler.propose(REQUEST).candidates] == ["last"]


def test_weights_are_settings_and_a_weigher_without_weight_is_not_told_of() -> None:
    pools = [
        pool("good", backend="x", provisioned=90 * GIB, capabilities={"advanced": {"goodness": 100}}),
        pool("free", backend="y"),
    ]
    by_goodness = Scheduler(weights={"goodness": 10.0, "spread": 0.0})
    by_room = Scheduler(weights={"goodness": 0.0})
    for scheduler, expected in ((by_goodness, "good"), (by_room, "free")):
        scheduler.replace(pools)
        assert scheduler.propose(REQUEST).candidates[0].pool == expected
    assert "spread" not in by_goodness.propose(REQUEST).candidates[0].weights


def test_a_negative_weight_turns_the_order_round() -> None:
    scheduler = Scheduler(weights={"free_capacity": -5.0})
    scheduler.replace([pool("full", backend="x", provisioned=50 * GIB), pool("empty", backend="y")])
    assert scheduler.propose(REQUEST).candidates[0].pool == "full"


class NotTooLarge(PoolFilter):
    """As somebody else would write it: refuses pools of more than 50 GiB."""

    name: ClassVar[str] = "not_too_large"

    def pools(self, pools: Pools, request: PlacementRequest) -> Mask | None:
        mask: Mask = pools.total <= 50 * GIB
        return mask

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"total": row.pool.total}


class Snug(RequestWeigher):
    """As somebody else would write it: prefers the pool that the request fills best."""

    name: ClassVar[str] = "snug"
    weight: ClassVar[float] = 3.0

    def weigh(self, pools: Pools, request: PlacementRequest) -> Vector:
        return np.asarray(pools.needed / np.maximum(pools.room, 1), np.float64)


@pytest.mark.parametrize("more", [0, 3000])
def test_filters_and_weighers_of_others_work_as_ours_do(more: int) -> None:
    scheduler = Scheduler([*default_filters(), NotTooLarge()], [Snug()])
    scheduler.replace([pool("small", total=10 * GIB), pool("medium", total=40 * GIB), pool("large")])
    for number in range(more):
        scheduler.upsert(pool(f"p{number}", total=(41 + number % 100) * GIB))
    proposal = scheduler.propose(PlacementRequest(5 * GIB, True, Requirement("default")))
    assert proposal.candidates[0].pool == "small"
    assert proposal.candidates[0].weights == {"snug": 0.5}
    trace = proposal.explanation.to_json()
    assert trace["filters"][-1]["filter"] == "not_too_large"
    assert trace["remaining"] == 2 + sum(41 + number % 100 <= 50 for number in range(more))
    assert {entry["filter"] for entry in trace["refused"]} == {"not_too_large"}


def test_without_weighers_any_pool_is_as_good_as_another() -> None:
    scheduler = Scheduler(weighers=[])
    scheduler.replace([pool("a"), pool("b")])
    assert {candidate.pool for candidate in scheduler.propose(REQUEST).candidates} == {"a", "b"}


def test_without_filters_every_pool_is_a_candidate() -> None:
    scheduler = Scheduler(filters=[])
    with pytest.raises(NoPlacement, match="there are no pools"):
        scheduler.propose(REQUEST)
    scheduler.replace([pool("a", total=0), pool("b", state=PoolState.DISABLED)])
    assert len(scheduler.propose(REQUEST).candidates) == 2


def test_an_explanation_is_plain_json() -> None:
    scheduler = Scheduler()
    scheduler.replace([pool("a"), pool("b", zone="z"), pool("c", total=1)])
    proposal = scheduler.propose(REQUEST)
    proposal.explanation.choose(proposal.candidates[0])
    document = proposal.explanation.to_json()
    assert json.loads(json.dumps(document)) == document


def test_decisions_are_consistent_while_pools_come_and_go_in_other_threads() -> None:
    """Each pool is always in zone and back end of the same number: an answer that mixes two would show."""
    scheduler = Scheduler()
    stop = threading.Event()
    wrong: list[str] = []

    def churn(seed: int) -> None:
        draw = random.Random(seed)
        while not stop.is_set():
            number = draw.randrange(200)
            fate = draw.random()
            if fate < 0.3:
                scheduler.remove(f"p{number}")
            elif fate < 0.6:
                scheduler.adjust(f"p{number}", draw.choice([-GIB, GIB]))
            else:
                scheduler.upsert(pool(f"p{number}", zone=f"z{number % 4}", backend=f"b{number % 4}"))

    def decide(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(300):
            zone = draw.randrange(4)
            try:
                proposal = scheduler.propose(PlacementRequest(GIB, True, Requirement("d"), f"z{zone}"))
            except NoPlacement:
                continue
            except Exception as error:
                wrong.append(repr(error))
                return
            trace = proposal.explanation.to_json()
            if any(each.backend != f"b{zone}" for each in proposal.candidates):
                wrong.append("a pool of another zone")
            if trace["remaining"] + sum(entry["refused"] for entry in trace["filters"]) != trace["considered"]:
                wrong.append("counts that do not add up")

    others = [threading.Thread(target=churn, args=(seed,)) for seed in range(2)]
    deciders = [threading.Thread(target=decide, args=(seed,)) for seed in range(2, 4)]
    for thread in (*others, *deciders):
        thread.start()
    for thread in deciders:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("count", [1, 16, 100])
@pytest.mark.parametrize("total", [0, 5, 500, 5000, 50_000])
def test_the_highest_are_found_without_sorting_all(total: int, count: int) -> None:
    for values in (
        np.random.default_rng(total).random(total),
        np.zeros(total),
        np.arange(total, dtype=np.float64),
        (np.arange(total) % 7).astype(np.int64),
    ):
        found = values[highest(values, count)]
        assert found.tolist() == sorted(values.tolist(), reverse=True)[:count]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (20 * GIB, "20 GiB"),
        (2 * GIB - 1, "1.99 GiB"),
        (3 << 39, "1.5 TiB"),
        (-GIB, "-1 GiB"),
        (100 * GIB, "100 GiB"),
    ],
)
def test_sizes_are_said_as_people_say_them(size: int, words: str) -> None:
    assert spoken(size) == words
