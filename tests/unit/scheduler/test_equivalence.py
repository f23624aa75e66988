"""The columns come to what plain Python comes to, whatever the pools, the request, and what happened before."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.errors import NoPlacement
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.profiles.requirement import Requirement, compiled
from isthmus.core.scheduler.explanation import Explanation
from isthmus.core.scheduler.request import Hint, PlacementRequest, Scope
from isthmus.core.scheduler.scheduler import Scheduler
from tests.unit.scheduler.pools import GIB, pool
from tests.unit.scheduler.reference import Outcome, decide

#: One twentieth of the sum of the weights: how far from the best the first candidate may be.
TOLERANCE = 0.05 * (1.0 + 0.25 + 1.0 + 0.5) + 1e-9
ZONES = st.sampled_from([None, "a", "b"])
BACKENDS = ["b1", "b2", "b3"]
NAMES = [f"p{number}" for number in range(12)]
CAPABILITIES: list[dict[str, Any]] = [
    {},
    {"dataStorage": {"compression": True}, "advanced": {"goodness": 40, "diskType": "ssd"}},
    {"ioConnectivity": {"maxIOPS": 500, "latency": 3}, "advanced": {"goodness": "90", "diskType": "sas disk"}},
    {"ioConnectivity": {"maxIOPS": "many"}, "storageType": ["block", "file"]},
    {"storageType": "file"},
]
PROFILES: list[dict[str, Any]] = [
    {},
    {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi", "maxIOPS": 200, "latency": 5}}},
    {"provisioningProperties": {"dataStorage": {"compression": True}}},
    {"customProperties": {"capabilities:diskType": "<or> ssd <or> sas disk"}},
    {"customProperties": {"availabilityZone": "a"}},
    {"snapshotProperties": {"retention": {"number": 1}}},
]


@st.composite
def pools(draw: st.DrawFn, name: str | None = None) -> Pool:
    total = draw(st.integers(0, 100)) * GIB
    used = draw(st.integers(0, 110)) * total // 100
    return pool(
        name or draw(st.sampled_from(NAMES)),
        backend=draw(st.sampled_from(BACKENDS)),
        state=draw(st.sampled_from([PoolState.AVAILABLE] * 5 + [PoolState.UNAVAILABLE, PoolState.DISABLED])),
        zone=draw(ZONES),
        total=total,
        used=used,
        ours=draw(st.integers(0, 100)) * used // 100,
        provisioned=draw(st.integers(0, 150)) * total // 100,
        granularity=draw(st.sampled_from([1, 4096, GIB, 3 * GIB])),
        thin=draw(st.booleans()),
        thick=draw(st.booleans()),
        ratio=draw(st.sampled_from([1.0, 1.5, 20.0])),
        reserve=draw(st.sampled_from([0.0, 0.05, 0.5])),
        protocols=draw(st.sampled_from([("iscsi",), ("iscsi", "nbd"), ()])),
        abilities=draw(st.sampled_from([(), ("snapshot",), ("snapshot", "clone")])),
        capabilities=draw(st.sampled_from(CAPABILITIES)),
    )


@st.composite
def hints(draw: st.DrawFn) -> Hint:
    scope = draw(st.sampled_from(list(Scope)))
    places = [*NAMES, "gone"] if scope is Scope.POOL else [*BACKENDS, "gone"]
    return Hint(scope, draw(st.frozensets(st.sampled_from(places), max_size=4)))


@st.composite
def requests(draw: st.DrawFn) -> PlacementRequest:
    requirement: Requirement = compiled(draw(st.sampled_from(PROFILES)), "any")
    return PlacementRequest(
        size=draw(st.integers(1, 60 * GIB)),
        thin=draw(st.booleans()),
        requirement=requirement,
        zone=draw(ZONES) if requirement.zone is None else None,
        near=tuple(draw(st.lists(hints(), max_size=1))),
        apart=tuple(draw(st.lists(hints(), max_size=2))),
        only_pools=draw(st.none() | st.frozensets(st.sampled_from([*NAMES, "gone"]), max_size=8)),
        exclude_pools=draw(st.frozensets(st.sampled_from([*NAMES, "gone"]), max_size=2)),
        abilities=draw(st.sampled_from([(), (), ("clone",)])),
        count=draw(st.sampled_from([1, 1, 1, 3])),
    )


#: What happens to an installation: a pool is reported, one goes away, a reservation is committed or given back.
changes = st.lists(
    pools() | st.sampled_from(NAMES) | st.tuples(st.sampled_from(NAMES), st.integers(-5, 5).map(lambda n: n * GIB)),
    max_size=30,
)


def compare(scheduler: Scheduler, known: dict[str, Pool], request: PlacementRequest) -> None:
    """Raise unless the scheduler's answer is that of the reference."""
    wanted = decide(known.values(), request)
    try:
        proposal = scheduler.propose(request)
    except NoPlacement as error:
        assert not wanted.left
        trace = error.details["explanation"]
        assert {entry["filter"]: entry["refused"] for entry in trace["filters"] if entry["refused"]} == wanted.refused
        assert trace["considered"] == len(known)
        return
    check(proposal.explanation, wanted, len(known))
    assert {each.pool: pytest.approx(each.score, abs=1e-9) for each in proposal.candidates} == wanted.left
    first, *rest = proposal.candidates
    assert [each.score for each in rest] == sorted((each.score for each in rest), reverse=True)
    assert first.score >= max(wanted.left.values()) - TOLERANCE


def check(explanation: Explanation, wanted: Outcome, considered: int) -> None:
    trace = explanation.to_json()
    assert {entry["filter"]: entry["refused"] for entry in trace["filters"] if entry["refused"]} == wanted.refused
    assert (trace["considered"], trace["remaining"]) == (considered, len(wanted.left))
    assert len(trace["refused"]) == min(10 if considered <= 100 else 5, considered - len(wanted.left))
    assert not {entry["pool"] for entry in trace["refused"]} & wanted.left.keys()


@given(st.lists(pools(), unique_by=lambda each: each.id), requests())
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_a_decision_is_that_of_the_reference(found: list[Pool], request: PlacementRequest) -> None:
    scheduler = Scheduler()
    scheduler.replace(found)
    compare(scheduler, {each.id: each for each in found}, request)


@given(changes, st.lists(requests(), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
@pytest.mark.slow
def test_decisions_stay_those_of_the_reference_while_pools_change(
    happenings: list[Any], asked: list[PlacementRequest]
) -> None:
    scheduler = Scheduler()
    known: dict[str, Pool] = {}
    for number, happening in enumerate(happenings):
        if isinstance(happening, Pool):
            scheduler.upsert(happening)
            known[happening.id] = happening
        elif isinstance(happening, str):
            scheduler.remove(happening)
            known.pop(happening, None)
        else:
            name, delta = happening
            # Nothing gives back more than was promised: the database's conditional update sees to it.
            delta = max(delta, -known[name].provisioned) if name in known else delta
            assert scheduler.adjust(name, delta) is (name in known)
            if name in known:
                known[name] = replace(known[name], provisioned=known[name].provisioned + delta)
        if number % 5 == 0:
            compare(scheduler, known, asked[0])
    for request in asked:
        compare(scheduler, known, request)


@pytest.mark.parametrize(("count", "seed"), [(900, 1), (900, 2), (5000, 3), (5000, 4)])
def test_many_pools_are_decided_as_few_are(count: int, seed: int) -> None:
    """Enough pools for the ways that only large installations take: sampled ranking, and masks over all rows."""
    draw = random.Random(seed)
    found = [
        pool(
            f"p{number}",
            backend=f"b{number % 97}",
            zone=draw.choice(["a", "b", None]),
            total=draw.randrange(1, 1000) * GIB,
            provisioned=draw.randrange(400) * GIB,
            granularity=draw.choice([1, GIB]),
            capabilities=CAPABILITIES[draw.randrange(3)],
        )
        for number in range(count)
    ]
    scheduler = Scheduler()
    scheduler.replace(found)
    for zone, size in (("a", 5 * GIB), (None, 100 * GIB), (None, 700 * GIB), (None, 5000 * GIB)):
        request = PlacementRequest(size, True, Requirement("any"), zone)
        wanted = decide(found, request)
        try:
            proposal = scheduler.propose(request)
        except NoPlacement:
            assert not wanted.left
            continue
        check(proposal.explanation, wanted, count)
        best = sorted(wanted.left.values(), reverse=True)[: len(proposal.candidates)]
        assert sorted((each.score for each in proposal.candidates), reverse=True) == pytest.approx(best)
        assert all(wanted.left[each.pool] == pytest.approx(each.score) for each in proposal.candidates)
