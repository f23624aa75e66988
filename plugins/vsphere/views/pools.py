"""The pools of all systems: how full they are and what was promised of them."""

from __future__ import annotations

from collections.abc import Sequence

from ....adapters.contract import Storage
from ....core.model.page import LARGEST_PAGE, Page, Query
from ....core.model.pool import Pool, PoolState
from ....ui_bridge.block import Block, Entry, Table, bar, size, text
from .scene import MOST_ROWS, Scene


def page(scene: Scene) -> Sequence[Block]:
    """One row for each, those that are not well first."""
    words = scene.words
    answers = scene.ask(lambda _, storage: listed(storage))
    pools = [(system, pool) for system, page in answers.found.items() for pool in page.items]
    pools.sort(key=lambda each: (each[1].state is PoolState.AVAILABLE, each[0], each[1].name))
    columns = words.columns(
        "name", "system", "state", "used", "promised", "room", "provisioning", "protocols", "reason"
    )
    table = Table(
        "pools",
        words("pools"),
        columns,
        [_row(scene, system, pool) for system, pool in pools[:MOST_ROWS]],
        words("pools.none"),
        more=len(pools) > MOST_ROWS or any(page.next for page in answers.found.values()),
    )
    return [*scene.warnings(answers), table]


def listed(storage: Storage) -> Page[Pool]:
    """A system's pools."""
    return storage.pools.list(Query(sort="name", limit=LARGEST_PAGE))


def _row(scene: Scene, system: str, pool: Pool) -> Entry:
    words = scene.words
    ways = [words(f"provisioning.{way}") for way, offered in (("thin", pool.thin), ("thick", pool.thick)) if offered]
    cells = {
        "name": text(pool.name),
        "system": text(system),
        "state": words.state("pool", pool.state),
        "used": bar(pool.used, pool.total),
        "promised": size(pool.provisioned),
        "room": size(max(0, pool.room(pool.thin))),
        "provisioning": text(", ".join(ways)),
        "protocols": text(", ".join(pool.protocols)),
        "reason": text(pool.reason),
    }
    return Entry(pool.id, cells)
