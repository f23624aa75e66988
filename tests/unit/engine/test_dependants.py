"""Who could not be reached without an extension."""

from __future__ import annotations

from functools import partial

from isthmus.core.engine.dependants import dependants
from isthmus.core.model.backend import Health
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.request import BackendRequest
from isthmus.core.model.system import System, SystemState
from isthmus.core.store import nouns
from tests.unit.engine.bench import Bench


def test_drivers_are_used_by_back_ends_and_adapters_by_systems(bench: Bench) -> None:
    database = bench.engine.database
    bench.engine.backends.add(bench.root, BackendRequest("another", "memory"))
    assert dependants(database, "drivers", "memory") == "the back ends another, array"
    reached = [
        System(new_id(), f"s{number}", "remote", "https://there", SystemState.ENABLED, Health.UNKNOWN, now(), now())
        for number in range(6)
    ]
    for each in reached:
        database.change(partial(nouns.systems.insert, noun=each))
    assert dependants(database, "adapters", "remote") == "the systems s0, s1, s2, s3, s4 and more"
    for unused in (("drivers", "file"), ("adapters", "swordfish"), ("plugins", "memory")):
        assert dependants(database, *unused) == ""
