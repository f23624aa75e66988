"""Each filter and its numbers, and the sentence somebody reads when nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.core.errors import Invalid, NoPlacement
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.profiles.requirement import Requirement, compiled
from isthmus.core.scheduler.request import Hint, PlacementRequest, Scope
from isthmus.core.scheduler.scheduler import Scheduler, no_placement
from tests.unit.scheduler.pools import GIB, pool

GOLD = Requirement("gold", protocol="iscsi")


def ask(size: int = 20 * GIB, thin: bool = True, requirement: Requirement = GOLD, **more: Any) -> PlacementRequest:
    return PlacementRequest(size, thin, requirement, **more)


def refused(request: PlacementRequest, *pools: Pool) -> NoPlacement:
    """The error of a request that none of these pools can take."""
    scheduler = Scheduler()
    scheduler.replace(pools)
    with pytest.raises(NoPlacement) as caught:
        scheduler.propose(request)
    return caught.value


def told(request: PlacementRequest, found: Pool) -> dict[str, Any]:
    """What is told of the one pool there is, which is refused."""
    (entry,) = refused(request, found).details["explanation"]["refused"]
    assert isinstance(entry, dict)
    return {key: value for key, value in entry.items() if key not in ("pool", "name")}


def placed(request: PlacementRequest, *pools: Pool) -> set[str]:
    scheduler = Scheduler()
    scheduler.replace(pools)
    return {each.pool for each in scheduler.propose(request).candidates}


def test_the_sentence_counts_by_filter_and_names_the_largest_room() -> None:
    error = refused(
        ask(zone="z1"),
        pool("a", zone="z1", total=12 * GIB),
        pool("b", zone="z1", total=100 * GIB, provisioned=95 * GIB),
        pool("c", zone="z2"),
    )
    assert error.message == (
        "No pool can take 20 GiB of profile gold: 3 pools considered, 1 refused by zone, "
        "2 by capacity (largest room 12 GiB)."
    )
    assert error.next_step == "Add a back end, free space on one, or ask for less."


def test_without_pools_the_sentence_says_so_and_what_to_do() -> None:
    error = refused(ask())
    assert error.message == "No pool can take 20 GiB of profile gold: there are no pools."
    assert "backend add" in str(error.next_step)


@pytest.mark.parametrize("state", [PoolState.UNAVAILABLE, PoolState.DISABLED])
def test_state(state: PoolState) -> None:
    assert told(ask(), pool("a", state=state, reason="no answer")) == {
        "filter": "state",
        "state": str(state),
        "reason": "no answer",
    }


@pytest.mark.parametrize("zone", ["z2", None])
def test_zone(zone: str | None) -> None:
    assert told(ask(zone="z1"), pool("a", zone=zone)) == {"filter": "zone", "zone": zone, "wanted": "z1"}
    assert placed(ask(), pool("a", zone=zone)) == {"a"}


def test_the_zone_of_the_profile_holds_and_must_agree_with_the_callers() -> None:
    zoned = Requirement("zoned", zone="z1")
    assert placed(ask(requirement=zoned), pool("a", zone="z1"), pool("b", zone="z2")) == {"a"}
    with pytest.raises(Invalid, match="is for zone z1, and zone z2 was asked for"):
        ask(requirement=zoned, zone="z2")


def test_provisioning() -> None:
    assert told(ask(thin=False), pool("a", thick=False)) == {
        "filter": "provisioning",
        "wanted": "thick",
        "thin": True,
        "thick": False,
    }
    assert told(ask(), pool("a", thin=False))["wanted"] == "thin"


def test_protocol() -> None:
    assert told(ask(), pool("a", protocols=("nbd",))) == {"filter": "protocol", "wanted": "iscsi", "offered": ["nbd"]}
    assert placed(ask(requirement=Requirement("any")), pool("a", protocols=())) == {"a"}


def test_abilities_of_the_profile_and_of_the_request_are_both_needed() -> None:
    keeps = Requirement("kept", abilities=("snapshot",))
    assert told(ask(requirement=keeps, abilities=("clone",)), pool("a", abilities=("extend",))) == {
        "filter": "abilities",
        "missing": ["clone", "snapshot"],
    }


def test_capabilities_tell_each_thing_that_is_not_met() -> None:
    wanted = compiled(
        {
            "provisioningProperties": {"ioConnectivity": {"latency": 5}, "dataStorage": {"compression": True}},
            "customProperties": {"capabilities:diskType": "<or> ssd <or> nvme"},
        },
        "quick",
    )
    found = pool("a", capabilities={"ioConnectivity": {"latency": "9"}, "advanced": {"diskType": "hdd"}})
    assert told(ask(requirement=wanted), found)["unmet"] == [
        {"capability": "dataStorage.compression", "wanted": "<is> true", "has": None},
        {"capability": "diskType", "wanted": "<or> ssd <or> nvme", "has": "hdd"},
        {"capability": "ioConnectivity.latency", "wanted": "<= 5", "has": "9"},
    ]
    assert "1 refused by capabilities (dataStorage.compression not reported, wanted <is> true)" in str(
        refused(ask(requirement=wanted), found)
    )


def test_one_mistyped_pool_does_not_spoil_the_others() -> None:
    wanted = compiled({"customProperties": {"capabilities:speed": ">= 5"}}, "quick")
    wrong = pool("wrong", capabilities={"advanced": {"speed": "very"}})
    right = pool("right", capabilities={"advanced": {"speed": 7}})
    assert placed(ask(requirement=wanted), wrong, right) == {"right"}


class TestAffinity:
    def test_near_pools_and_back_ends(self) -> None:
        pools = (pool("a", backend="x"), pool("b", backend="x"), pool("c", backend="y"))
        assert placed(ask(near=(Hint(Scope.BACKEND, frozenset({"x"})),)), *pools) == {"a", "b"}
        assert placed(ask(near=(Hint(Scope.POOL, frozenset({"c", "b"})),)), *pools) == {"b", "c"}

    def test_several_hints_must_all_hold(self) -> None:
        pools = (pool("a", backend="x"), pool("b", backend="y"))
        contrary = (Hint(Scope.BACKEND, frozenset({"x"})), Hint(Scope.POOL, frozenset({"b"})))
        assert "2 refused by affinity" in str(refused(ask(near=contrary), *pools))

    def test_numbers(self) -> None:
        near = (Hint(Scope.BACKEND, frozenset({"y"})),)
        assert told(ask(near=near), pool("a", backend="x")) == {
            "filter": "affinity",
            "near": "backend",
            "wanted": ["y"],
            "has": "x",
        }
        assert told(ask(only_pools=frozenset({"gone"})), pool("a")) == {"filter": "affinity", "allowed": ["gone"]}

    def test_apart_and_excluded(self) -> None:
        pools = (pool("a", backend="x"), pool("b", backend="y"), pool("c", backend="z"))
        apart = (Hint(Scope.BACKEND, frozenset({"x"})),)
        assert placed(ask(apart=apart, exclude_pools=frozenset({"b"})), *pools) == {"c"}
        assert told(ask(apart=apart), pools[0]) == {"filter": "anti_affinity", "apart": "backend", "taken": "x"}
        assert told(ask(exclude_pools=frozenset({"a"})), pools[0]) == {"filter": "anti_affinity", "excluded": "a"}


class TestCapacity:
    def test_thick_room_is_total_less_reserve_promises_and_what_is_foreign(self) -> None:
        found = pool("a", total=100 * GIB, reserve=0.1, provisioned=30 * GIB, used=25 * GIB, ours=5 * GIB)
        assert placed(ask(40 * GIB, thin=False), found) == {"a"}
        assert told(ask(40 * GIB + 1, thin=False), found) == {
            "filter": "capacity",
            "needed": 40 * GIB + 1,
            "room": 40 * GIB,
        }

    def test_thin_room_is_over_subscribed(self) -> None:
        found = pool("a", total=100 * GIB, ratio=2.0, provisioned=150 * GIB)
        assert placed(ask(50 * GIB), found) == {"a"}
        assert told(ask(50 * GIB + 1), found)["room"] == 50 * GIB

    def test_thin_needs_reported_free_space_above_the_reserve(self) -> None:
        full = pool("a", total=100 * GIB, ratio=10.0, reserve=0.1, used=90 * GIB, ours=90 * GIB)
        assert told(ask(1), full) == {
            "filter": "capacity",
            "needed": 1,
            "room": 900 * GIB,
            "free_above_reserve": 0,
        }
        assert "(no free space above the reserve)" in str(refused(ask(1), full))
        with_a_byte = pool("a", total=100 * GIB, ratio=10.0, reserve=0.1, used=90 * GIB - 1, ours=90 * GIB - 1)
        assert placed(ask(GIB), with_a_byte) == {"a"}

    def test_the_size_is_rounded_up_to_each_pools_granularity(self) -> None:
        coarse = pool("coarse", total=10 * GIB, granularity=4 * GIB)
        fine = pool("fine", total=10 * GIB, granularity=1)
        assert placed(ask(9 * GIB), coarse, fine) == {"fine"}
        assert told(ask(9 * GIB), coarse)["needed"] == 12 * GIB

    def test_a_candidate_says_what_is_to_be_reserved(self) -> None:
        scheduler = Scheduler()
        scheduler.upsert(pool("a", granularity=4 * GIB))
        (candidate,) = scheduler.propose(ask(9 * GIB, count=2)).candidates
        assert (candidate.size, candidate.reserve) == (12 * GIB, 24 * GIB)

    def test_several_objects_must_fit_together(self) -> None:
        assert placed(ask(30 * GIB, count=3), pool("a")) == {"a"}
        assert "3 times 40 GiB" in str(refused(ask(40 * GIB, count=3), pool("a")))

    def test_when_many_are_refused_those_with_the_largest_room_are_told(self) -> None:
        pools = [pool(f"p{number}", total=number * GIB) for number in range(1, 20)]
        trace = refused(ask(20 * GIB), *pools).details["explanation"]
        assert [entry["room"] // GIB for entry in trace["refused"]] == list(range(19, 9, -1))

    def test_pools_larger_than_64_bits_are_held(self) -> None:
        assert placed(ask(1 << 61), pool("a", total=1 << 63, ratio=100.0)) == {"a"}


@pytest.mark.parametrize(("size", "count"), [(0, 1), (-5, 1), (1, 0), (1 << 63, 1), (1 << 60, 100)])
def test_a_request_that_can_never_be_is_invalid(size: int, count: int) -> None:
    with pytest.raises(Invalid):
        ask(size, count=count)


def test_filters_share_what_is_told_and_all_are_told_of_when_they_are_few() -> None:
    far = [pool(f"z{number}", zone="far") for number in range(50)]
    disabled = [pool(f"d{number}", state=PoolState.DISABLED) for number in range(50)]
    few = [*far[:7], disabled[0], pool("full", zone="z", total=1)]
    trace = refused(ask(zone="z"), *few).details["explanation"]
    assert len(trace["refused"]) == 9
    told_of = [entry["filter"] for entry in refused(ask(zone="z"), *far, *disabled).details["explanation"]["refused"]]
    assert (told_of.count("zone"), told_of.count("state")) == (5, 5)


def test_candidates_that_could_not_be_reserved_are_part_of_the_story() -> None:
    scheduler = Scheduler()
    scheduler.replace([pool("a"), pool("b")])
    proposal = scheduler.propose(ask())
    for candidate in proposal.candidates:
        proposal.explanation.refuse(candidate, room=5)
    error = no_placement(proposal.explanation)
    assert "2 pools considered, 2 filled up meanwhile" in error.message
    assert {entry["pool"] for entry in error.details["explanation"]["unconfirmed"]} == {"a", "b"}
    assert error.details["explanation"]["unconfirmed"][0]["needed"] == 20 * GIB


def test_what_was_chosen_is_told_with_its_weights_and_what_it_does_not_enforce() -> None:
    scheduler = Scheduler()
    scheduler.upsert(pool("a", backend="x", capabilities={"advanced": {"goodness": 80}}, provisioned=25 * GIB))
    wanted = compiled({"provisioningProperties": {"ioConnectivity": {"maxIOPS": 5}}}, "limited")
    proposal = scheduler.propose(ask(requirement=wanted))
    proposal.explanation.choose(proposal.candidates[0])
    chosen = proposal.explanation.to_json()["chosen"]
    assert (chosen["pool"], chosen["name"], chosen["backend"]) == ("a", "pool a", "x")
    assert chosen["weights"] == {"free_capacity": 0.75, "allocated": 0.9762, "goodness": 0.8, "spread": 0.8}
    assert chosen["unenforced"] == ["provisioningProperties.ioConnectivity.maxIOPS"]
