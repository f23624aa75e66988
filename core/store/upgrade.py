"""Brings the tables to this release. Alembic is imported only when there is something to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path

from sqlalchemy import func, inspect, select, text

from ..errors import Conflict, Misconfigured
from ..model.operation import OperationState
from . import schema
from .database import Database, Tx

MIGRATIONS = Path(__file__).parent / "migrations"
Supported = Callable[[], Mapping[str, Collection[int]]]
"""The flows that this release can run: the versions of each kind."""

_VERSION_TABLE = "alembic_version"
_LOCK = 0x697374686D7573
_UNFINISHED = (
    OperationState.PENDING,
    OperationState.RUNNING,
    OperationState.WAITING,
    OperationState.NEEDS_ATTENTION,
)


@cache
def revisions() -> tuple[str, ...]:
    """The revisions that this release knows, oldest first: the numbers before the names of the migrations."""
    return tuple(sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py")))


def head() -> str:
    """The revision that this release needs."""
    return revisions()[-1]


def current(database: Database) -> str | None:
    """The revision of the database; None when it was never set up."""
    with database.read() as tx:
        return _current(tx)


def is_empty(database: Database) -> bool:
    """Whether there are no tables at all."""
    with database.read() as tx:
        return not inspect(tx).get_table_names()


def pending(database: Database) -> bool:
    """Whether `upgrade` has something to do; raises `Misconfigured` when the database is of a later release."""
    return _pending(current(database))


def upgrade(database: Database, supported: Supported | None = None) -> bool:
    """Bring the tables to this release, all or nothing; returns whether anything was done.

    Servers that start together wait for each other. Raises `Conflict` while there are unfinished operations whose
    kind and version are not among `supported`, and `Misconfigured` when the database is of a later release or holds
    tables of somebody else.
    """
    if not pending(database):
        return False
    return database.change(lambda tx: _upgrade(tx, supported), durable=True)


def _upgrade(tx: Tx, supported: Supported | None) -> bool:
    if tx.dialect.name == "postgresql":
        tx.execute(text("SET LOCAL lock_timeout = 0"))
        tx.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        tx.execute(text("SET LOCAL lock_timeout = '10s'"))
    revision = _current(tx)
    if not _pending(revision):
        return False
    if revision is None:
        _refuse_foreign_tables(tx)
    elif supported is not None:
        _refuse_unfinished(tx, supported())
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=tx, metadata=schema.metadata)
    command.upgrade(config, "head")
    return True


def _pending(revision: str | None) -> bool:
    if revision is not None and revision not in revisions():
        raise Misconfigured(
            f"The database is at revision {revision}, which a later release made; this one knows up to {head()}.",
            next_step="Start the later release again, or restore the copy that was made before it.",
        )
    return revision != head()


def _current(tx: Tx) -> str | None:
    if not inspect(tx).has_table(_VERSION_TABLE):
        return None
    found = tx.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


def _refuse_foreign_tables(tx: Tx) -> None:
    taken = sorted(set(inspect(tx).get_table_names()) & schema.metadata.tables.keys())
    if taken:
        raise Misconfigured(
            f"The database holds tables that Isthmus did not make: {', '.join(taken[:5])}.",
            next_step="Give Isthmus a database of its own.",
        )


def _refuse_unfinished(tx: Tx, supported: Mapping[str, Collection[int]]) -> None:
    """A flow that this release does not have could never be finished or undone."""
    operations = schema.operations
    statement = (
        select(operations.c.kind, operations.c.flow_version, func.count(), func.min(operations.c.id))
        .where(operations.c.state.in_([state.value for state in _UNFINISHED]))
        .group_by(operations.c.kind, operations.c.flow_version)
        .order_by(operations.c.kind, operations.c.flow_version)
    )
    stuck = [row for row in tx.execute(statement) if row[1] not in supported.get(row[0], ())]
    if stuck:
        named = "; ".join(f"{count} of {kind} version {version} ({id})" for kind, version, count, id in stuck)
        raise Conflict(
            f"There are unfinished operations that this release cannot run: {named}.",
            next_step="Let the former release finish them, or cancel or abandon them there, then upgrade.",
            operations=[row[3] for row in stuck],
        )
