"""The plug-in's first page: how much there is, and what needs attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....adapters.contract import Adapter, Storage
from ....core.errors import IsthmusError
from ....core.model.backend import Health
from ....core.model.page import LARGEST_PAGE, Query
from ....core.model.pool import Pool, PoolState
from ....core.model.system import System, SystemState
from ....ui_bridge.block import Block, Facts, Level, Notice, bar, number, size
from . import raised
from .asking import tried
from .operations import attention
from .pools import listed
from .scene import Scene, inventoried
from .systems import known


@dataclass(frozen=True, slots=True)
class _Held:
    """`volumes` None: the system does not say how many."""

    pools: Sequence[Pool]
    volumes: int | None


def page(scene: Scene, systems: Mapping[str, Adapter]) -> Sequence[Block]:
    """First what is wrong, then the operations that wait for a person, then the numbers."""
    words = scene.words
    answers = scene.ask(_held)
    stores, trouble = inventoried(scene, "Datastore")
    hosts, _ = inventoried(scene, "HostSystem")
    pools = [(system, pool) for system, held in answers.found.items() for pool in held.pools]
    counted = [held.volumes for held in answers.found.values() if held.volumes is not None]
    waiting = attention(scene)
    total, used = sum(pool.total for _, pool in pools), sum(pool.used for _, pool in pools)
    facts = [
        (words("systems"), number(len(answers.found) + len(answers.silent))),
        (words("pools"), number(len(pools))),
        (words("pools.used"), bar(used, total)),
        (words("pools.promised"), size(sum(pool.provisioned for _, pool in pools))),
        (words("volumes"), number(sum(counted) if counted else None)),
        (words("datastores"), number(len(stores))),
        (words("hosts"), number(len(hosts))),
    ]
    unwell = [*_unwell(scene, systems, answers.silent), *_pools(scene, pools), *raised.of_all(scene)]
    wrong = [*scene.warnings(answers), *trouble, *unwell]
    if not wrong and not waiting.rows:
        wrong = [Notice(Level.OK, words("well"))]
    return [*wrong, *([waiting] if waiting.rows else []), Facts(words("overview"), facts)]


def _held(_: str, storage: Storage) -> _Held:
    pools = tried(lambda: listed(storage))
    return _Held(pools.items if pools is not None else (), tried(lambda: _count(storage)))


def _count(storage: Storage) -> int:
    page = storage.volumes.list(Query(limit=1, with_total=True))
    if page.total is not None:
        return page.total
    # A system that does not count: as many as there are in one page.
    return len(storage.volumes.list(Query(limit=LARGEST_PAGE)).items)


def _unwell(scene: Scene, systems: Mapping[str, Adapter], silent: Mapping[str, IsthmusError]) -> list[Block]:
    """Systems that answered badly last, beside those that did not answer now."""
    try:
        found: Sequence[System] = known(systems)
    except IsthmusError:
        return []
    bad = (Health.FAILED, Health.DEGRADED)
    return [
        scene.words.notice(Level.WARNING, f"unwell.{each.health}", system=each.name)
        for each in found
        if each.state is SystemState.ENABLED and each.health in bad and each.name not in silent
    ]


def _pools(scene: Scene, pools: Sequence[tuple[str, Pool]]) -> list[Block]:
    return [
        Notice(Level.ERROR, scene.words("pool.unwell", system=system, pool=pool.name), pool.reason)
        for system, pool in pools
        if pool.state is PoolState.UNAVAILABLE
    ]
