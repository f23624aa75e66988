"""CPU time of a placement decision at 1 000, 10 000 and 100 000 pools, its explanation as JSON included.

`python -m tests.benchmarks.scheduler [--decisions N]`

The stream is what a busy installation does: requests of seven profiles with sizes, zones, hints and thin or thick
drawn at random, no two alike; the reservation of each decision committed by `adjust`, and every third given back;
every eighth decision a pool's report taken in anew; every thousandth a pool that goes away or fails. One request in
five names neither zone nor anything selective, so it has all pools to weigh; one in fifty can be placed nowhere.

Figures are milliseconds a decision. `cpu_ms` is all of it: the decision, its explanation as a document, adjustments
and reports. `text_ms` is what turning that document into text costs besides, `slowest_kind` the costliest kind of
request (its decision and explanation alone).
"""

from __future__ import annotations

import gc
import json
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from isthmus.core.errors import NoPlacement
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.profiles.requirement import Requirement, compiled
from isthmus.core.scheduler.candidate import Candidate
from isthmus.core.scheduler.request import Hint, PlacementRequest, Scope
from isthmus.core.scheduler.scheduler import Scheduler
from tests.benchmarks.measure import Section, asked, report

GIB = 1 << 30
ZONES = tuple(f"zone-{number}" for number in range(8))
TIERS: tuple[Mapping[str, Any], ...] = (
    {"dataStorage": {"compression": False}, "advanced": {"diskType": "hdd", "goodness": 20}},
    {"dataStorage": {"compression": True}, "advanced": {"diskType": "sas disk", "goodness": 40}},
    {
        "dataStorage": {"compression": True, "deduplication": True},
        "ioConnectivity": {"maxIOPS": 50_000, "latency": 2},
        "advanced": {"diskType": "ssd", "goodness": 70, "multiAttach": True},
    },
    {
        "dataStorage": {"deduplication": False},
        "ioConnectivity": {"maxIOPS": 400_000, "latency": 1},
        "advanced": {"diskType": "nvme", "goodness": 90, "multiAttach": True},
    },
)
ISCSI = {"ioConnectivity": {"accessProtocol": "iscsi"}}
NBD = {"ioConnectivity": {"accessProtocol": "nbd"}}
PROFILES: Mapping[str, Mapping[str, Any]] = {
    "default": {"provisioningProperties": ISCSI},
    "compressed": {"provisioningProperties": {**ISCSI, "dataStorage": {"compression": True}}},
    "fast": {
        "provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi", "maxIOPS": 20_000, "latency": 2}},
        "customProperties": {"capabilities:diskType": "<or> ssd <or> nvme"},
    },
    "shared": {"provisioningProperties": ISCSI, "customProperties": {"capabilities:multiAttach": "<is> true"}},
    "kept": {"provisioningProperties": NBD, "snapshotProperties": {"retention": {"number": 3}}},
    "archive": {"provisioningProperties": ISCSI, "customProperties": {"capabilities:diskType": "s!= nvme"}},
    "nowhere": {"provisioningProperties": ISCSI, "customProperties": {"capabilities:diskType": "tape"}},
}


class Installation:
    """Pools of one size of installation, and the requests its users make."""

    def __init__(self, pools: int, seed: int) -> None:
        self.draw = random.Random(seed)
        self.pools = [self._pool(number) for number in range(pools)]
        self.requirements = {name: compiled(properties, name) for name, properties in PROFILES.items()}
        self.scheduler = Scheduler(chooser=random.Random(seed))
        for pool in self.pools:
            self.scheduler.upsert(pool)

    def _pool(self, number: int) -> Pool:
        draw = self.draw
        total = draw.randrange(1, 65) * 1024 * GIB
        return Pool(
            id=f"pool-{number}",
            backend=f"backend-{number // 4}",
            name=f"pool {number}",
            state=PoolState.AVAILABLE if draw.random() < 0.97 else PoolState.UNAVAILABLE,
            zone=ZONES[number // 4 % len(ZONES)],
            total=total,
            used=(used := int(total * draw.uniform(0.0, 0.9))),
            ours=int(used * 0.9),
            provisioned=int(total * draw.uniform(0.0, 1.1)),
            granularity=4096,
            thin=True,
            thick=draw.random() < 0.5,
            ratio=1.5,
            reserve=0.05,
            protocols=("iscsi", "nbd") if draw.random() < 0.3 else ("iscsi",),
            abilities=("extend", "snapshot", "revert", "clone"),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            updated_at=datetime(2026, 1, 1, tzinfo=UTC),
            capabilities=TIERS[draw.randrange(len(TIERS))],
        )

    def request(self) -> tuple[str, PlacementRequest]:
        """One request and the kind it is counted as."""
        draw = self.draw
        size = draw.randrange(1, 2048) * GIB + draw.randrange(GIB)
        fate = draw.random()
        if fate < 0.2:
            return "anywhere", PlacementRequest(size, True, self.requirements["default"])
        if fate < 0.22:
            return "nowhere", PlacementRequest(size, True, self.requirements["nowhere"])
        if fate < 0.27:
            home = self.pools[draw.randrange(len(self.pools))]
            return "extend", PlacementRequest(size, True, self._any(), only_pools=frozenset({home.id}))
        zone = ZONES[draw.randrange(len(ZONES))]
        if fate < 0.40:
            homes = frozenset(self.pools[draw.randrange(len(self.pools))].backend for _ in range(3))
            return "apart", PlacementRequest(size, True, self._any(), zone, apart=(Hint(Scope.BACKEND, homes),))
        return "zone", PlacementRequest(size, draw.random() < 0.7, self._any(), zone)

    def _any(self) -> Requirement:
        return self.requirements[self.draw.choice(("default", "compressed", "fast", "shared", "kept", "archive"))]

    def disturb(self, turn: int) -> None:
        """What goes on between two decisions besides the reservations."""
        if turn % 8 not in (0, 7):
            return
        draw = self.draw
        pool = self.pools[draw.randrange(len(self.pools))]
        if turn % 8 == 0:
            self.scheduler.upsert(replace(pool, used=int(pool.total * draw.uniform(0.0, 0.9))))
        if turn % 2000 == 999:
            self.scheduler.upsert(replace(pool, state=PoolState.UNAVAILABLE, reason="does not answer"))
        if turn % 2000 == 1999:
            self.scheduler.remove(pool.id)


def measure(pools: int, decisions: int) -> dict[str, float | str]:
    """Milliseconds a decision with so many pools."""
    place = Installation(pools, seed=pools)
    for _ in range(200):
        decide(place.scheduler, place.request()[1])
    kinds: defaultdict[str, list[int]] = defaultdict(list)
    asked = [place.request() for _ in range(decisions)]
    documents: list[Mapping[str, Any]] = []
    gc.collect()
    with Section() as section:
        for turn, (_, request) in enumerate(asked):
            chosen, document = decide(place.scheduler, request)
            if chosen is not None:
                place.scheduler.adjust(chosen.pool, chosen.reserve)
                if turn % 3 == 0:
                    place.scheduler.adjust(chosen.pool, -chosen.reserve)
            place.disturb(turn)
            if turn % 10 == 0:
                documents.append(document)
    for kind, request in asked[: decisions // 4]:
        began = time.thread_time_ns()
        decide(place.scheduler, request)
        kinds[kind].append(time.thread_time_ns() - began)
    with Section() as text:
        for document in documents:
            json.dumps(document)
    spent = {kind: sum(times) / len(times) / 1e6 for kind, times in kinds.items()}
    slowest = max(spent, key=lambda kind: spent[kind])
    return {
        "cpu_ms": section.cpu / decisions * 1e3,
        "wall_ms": section.wall / decisions * 1e3,
        "text_ms": text.cpu / len(documents) * 1e3,
        "slowest_kind": f"{slowest} {spent[slowest]:.3f}",
    }


def decide(scheduler: Scheduler, request: PlacementRequest) -> tuple[Candidate | None, Mapping[str, Any]]:
    """A decision as the engine makes it: the candidate that is reserved first, and the explanation's document."""
    try:
        proposal = scheduler.propose(request)
    except NoPlacement as error:
        return None, error.details["explanation"]
    chosen = proposal.candidates[0]
    proposal.explanation.choose(chosen)
    return chosen, proposal.explanation.to_json()


def main() -> None:
    parser = asked(__doc__)
    parser.add_argument("--decisions", type=int, default=5000, help="decisions at each number of pools")
    decisions = parser.parse_args().decisions
    figures: dict[str, object] = {}
    for name, pools in (("1k", 1_000), ("10k", 10_000), ("100k", 100_000)):
        for key, value in measure(pools, decisions).items():
            figures[f"{key}_{name}"] = value
    report("scheduler", decisions=decisions, **figures)


if __name__ == "__main__":
    main()
