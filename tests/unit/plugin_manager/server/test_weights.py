"""The weights of weighers are settings: an administrator sets them, and the next start goes by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.errors import Invalid
from isthmus.core.profiles.requirement import compiled
from isthmus.core.scheduler.request import PlacementRequest
from isthmus.core.scheduler.scheduler import Scheduler, default_weighers
from isthmus.plugin_manager.manager import RESTART, Choice, Manager
from isthmus.plugin_manager.server.parts import make_all, weights
from tests.environment.nouns import make_pool

GIB = 1 << 30


class Memory:
    """Choices in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Choice] = {}

    def all(self) -> Mapping[tuple[str, str], Choice]:
        return dict(self.kept)

    def put(self, namespace: str, name: str, *, enabled: bool, settings: Any, secrets: Any) -> None:
        self.kept[namespace, name] = Choice(enabled, settings, secrets)


def best(choices: Memory) -> str:
    """Where a server that starts with these choices would place a volume: a full pool or an empty one."""
    manager = Manager(choices)
    scheduler = Scheduler(None, make_all(manager, "weighers", []), weights=weights(manager), best=1)
    pool = replace(make_pool(), total=1000 * GIB, used=0, ours=0, provisioned=0, granularity=1, thin=True, thick=True)
    scheduler.upsert(replace(pool, id="empty", name="empty"))
    scheduler.upsert(replace(pool, id="full", name="full", provisioned=600 * GIB))
    requirement = compiled({"provisioningProperties": {}}, "plain")
    return scheduler.propose(PlacementRequest(GIB, False, requirement)).candidates[0].pool


def test_a_weight_counts_from_the_next_start_on() -> None:
    choices = Memory()
    running = Manager(choices)
    assert weights(running) == {}
    assert best(choices) == "empty"
    answer = running.configure("weighers", "free_capacity", settings={"weight": -5})
    assert answer.details["pending"] == RESTART and weights(running) == {}
    assert weights(Manager(choices)) == {"free_capacity": -5.0}
    assert best(choices) == "full"


@pytest.mark.parametrize("settings", [{"weight": "much"}, {"weight": 1e9}, {"height": 1}])
def test_a_weight_that_is_none_is_refused(settings: Mapping[str, Any]) -> None:
    with pytest.raises(Invalid, match="do not fit"):
        Manager(Memory()).configure("weighers", "spread", settings=settings)


def test_every_weigher_that_comes_with_isthmus_can_be_set() -> None:
    choices = Memory()
    for weigher in default_weighers():
        Manager(choices).configure("weighers", weigher.name, settings={"weight": 0.125})
    assert weights(Manager(choices)) == {weigher.name: 0.125 for weigher in default_weighers()}
