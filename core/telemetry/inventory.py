"""What the store knows in numbers: pools, and operations that are under way."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select, text

from ..model.operation import OperationState
from ..store import schema
from ..store.database import Database

MOST_POOLS = 1000
"""With more pools than this the numbers are given by back end: a series for each pool would burden everybody."""

# Written out, for only so does the partial index of exactly these states serve: the table keeps all that ever ended.
_LIVE = text("state IN ({})".format(", ".join(f"'{state.value}'" for state in OperationState if state.live)))
_pools, _backends, _operations = schema.pools, schema.backends, schema.operations
_SIZES = {
    "total": (_pools.c.total, "Bytes that the pools hold, as last measured."),
    "used": (_pools.c.used, "Bytes that are occupied in the pools, as last measured."),
    "provisioned": (_pools.c.provisioned, "Bytes of the pools that were promised to volumes and snapshots."),
}
_joined = _pools.join(_backends, _pools.c.backend == _backends.c.id)
_count_pools = select(func.count()).select_from(_pools)
_each_pool = select(
    _backends.c.name, _pools.c.name, _pools.c.state, *(column for column, _ in _SIZES.values())
).select_from(_joined)
_each_backend = (
    select(_backends.c.name, _pools.c.state, *(func.sum(column) for column, _ in _SIZES.values()))
    .select_from(_joined)
    .group_by(_backends.c.name, _pools.c.state)
)
_live = (
    select(_operations.c.kind, _operations.c.state, func.count())
    .where(_LIVE)
    .group_by(_operations.c.kind, _operations.c.state)
)


def pool_families(database: Database, most: int = MOST_POOLS) -> Iterable[Metric]:
    """`isthmus_pool_total_bytes`, `…_used_bytes` and `…_provisioned_bytes`; above `most` pools, by back end."""
    with database.read() as tx:
        each = int(tx.execute(_count_pools).scalar_one()) <= most
        rows = [tuple(row) for row in tx.execute(_each_pool if each else _each_backend)]
    labels = ("backend", "pool", "state") if each else ("backend", "state")
    width = len(labels)
    for index, (name, (_, meaning)) in enumerate(_SIZES.items()):
        family = GaugeMetricFamily(f"isthmus_pool_{name}_bytes", meaning, labels=labels)
        for row in rows:
            family.add_metric([str(text) for text in row[:width]], float(row[width + index]))
        yield family


def operation_families(database: Database) -> Iterable[Metric]:
    """`isthmus_operations_live`: what is under way in the whole installation, by kind and state."""
    with database.read() as tx:
        rows = tx.execute(_live).all()
    meaning = "Operations of the whole installation that are under way."
    family = GaugeMetricFamily("isthmus_operations_live", meaning, labels=("kind", "state"))
    for kind, state, count in rows:
        family.add_metric([kind, state], float(count))
    return [family]
