"""What is wrong with the installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, func, select

from ..context import Context
from ..errors import IsthmusError
from ..journal.operations import repository as operations
from ..model.backend import Backend, BackendState
from ..model.description import Finding
from ..model.operation import OperationState
from ..runtime.parts import Parts
from ..runtime.watching import Watch
from ..security.policy import authorise
from ..store import nouns, schema, usage
from ..store.database import Tx
from . import resealing

_TRANSIENT = ("creating", "extending", "reverting", "retyping", "migrating", "deleting", "attaching", "detaching")


class Doctor:
    """Looks and tells; it changes nothing."""

    def __init__(self, parts: Parts, watch: Watch) -> None:
        self.parts = parts
        self.watch = watch

    def examine(self, context: Context) -> Sequence[Finding]:
        """All findings, what is right as `ok`."""
        authorise(context, "doctor:read", None)
        found: list[Finding] = []
        for check in (
            self._database,
            self._data_path,
            self._backends,
            self._operations,
            self._states,
            self._given_up,
            self._counts,
            self._seals,
        ):
            try:
                found += list(check())
            except IsthmusError as error:
                found.append(Finding(check.__name__.strip("_"), "error", str(error), error.next_step or ""))
        return found

    def _database(self) -> Iterator[Finding]:
        self.parts.database.ping()
        yield Finding("database", "ok", f"{self.parts.database.url} answers.")

    def _data_path(self) -> Iterator[Finding]:
        problems = list(self.watch.findings())
        yield from problems
        for placement in self.watch.missing():
            problems.append(Finding("export", "error", f"Placement {placement} is attached and not published.", ""))
            yield problems[-1]
        for placement in self.watch.surplus():
            said = f"Placement {placement} is published and attached to no host."
            cure = "Stop the server, run `isthmus data-path stop` and start it: what is attached comes back."
            problems.append(Finding("export", "warning", said, cure))
            yield problems[-1]
        if not problems:
            yield Finding("data path", "ok", "All targets serve; what is attached is published, and nothing else.")

    def _backends(self) -> Iterator[Finding]:
        with self.parts.database.read() as tx:
            backends = nouns.backends.where(tx)
        for backend in backends:
            if backend.node in (None, self.parts.settings.node):
                yield from self._backend(backend)
        if not backends:
            yield Finding("back ends", "warning", "There is no back end.", "Add one with `isthmus backend add`.")

    def _backend(self, backend: Backend) -> Iterator[Finding]:
        name = f"back end {backend.name}"
        before = self._recorded(backend)
        try:
            live = self.parts.live.get(backend.id)
            live.driver.check()
            items = list(live.driver.inventory())
        except IsthmusError as error:
            yield Finding(name, "error", str(error), error.next_step or "Mend the back end; it is tried again.")
            return
        after = self._recorded(backend)
        there = {(item.kind, item.id) for item in items}
        # What came or went while the back end was asked is neither an orphan nor lost.
        orphans = there - before.known - after.known
        lost = (before.settled & after.settled) - there
        for kind, identifier in sorted(orphans):
            yield Finding(
                name, "warning", f"The {kind} {identifier} is on the back end and in no record.", "Remove it by hand."
            )
        for kind, identifier in sorted(lost):
            yield Finding(
                name,
                "error",
                f"The {kind} {identifier} is recorded and not on the back end.",
                "Restore it, or delete it.",
            )
        if backend.state is BackendState.DISABLED:
            yield Finding(name, "warning", "It is disabled and takes no new volumes.", "Enable it when it may again.")
        elif not orphans and not lost:
            yield Finding(name, "ok", f"{len(items)} objects, all accounted for.")

    def _recorded(self, backend: Backend) -> _Recorded:
        """What the store says is on the back end."""
        with self.parts.database.read() as tx:
            placements = nouns.placements_of_backend.all(tx, backend.id)
            pools = {pool.id for pool in nouns.pools_of_backend.all(tx, backend.id)}
            volumes = {v.id: v for p in placements if (v := nouns.volumes.find(tx, p.volume)) is not None}
            snapshots = nouns.snapshots.where(tx, schema.snapshots.c.pool.in_(pools))
        settled = {
            ("volume", p.id) for p in placements if p.volume in volumes and volumes[p.volume].state == "available"
        } | {("snapshot", s.id) for s in snapshots if s.state == "available"}
        known = {("volume", p.id) for p in placements} | {("snapshot", s.id) for s in snapshots}
        return _Recorded(known, settled)

    def _operations(self) -> Iterator[Finding]:
        table = operations.table
        with self.parts.database.read() as tx:
            stuck = operations.where(tx, table.c.state == OperationState.NEEDS_ATTENTION.value, limit=100)
        for operation in stuck:
            said = (operation.error or {}).get("message", "")
            yield Finding(
                "operation",
                "error",
                f"{operation.kind} {operation.id} needs attention at step {operation.step}: {said}",
                f"isthmus operation retry {operation.id}, or abandon it.",
            )
        if not stuck:
            yield Finding("operations", "ok", "No operation needs attention.")

    def _states(self) -> Iterator[Finding]:
        """No resource may stand in a transient state without a live operation."""
        table, found = operations.table, False
        live = select(table.c.id).where(table.c.state.in_([s.value for s in OperationState if s.live]))
        with self.parts.database.read() as tx:
            for resources in (schema.volumes, schema.snapshots, schema.attachments):
                rows = tx.execute(
                    select(resources.c.id, resources.c.state).where(
                        resources.c.state.in_(_TRANSIENT),
                        resources.c.operation.is_(None) | resources.c.operation.not_in(live),
                    )
                ).all()
                for row in rows:
                    found = True
                    yield Finding(
                        resources.name,
                        "error",
                        f"{row.id} is {row.state} with no live operation.",
                        "Please report this.",
                    )
        if not found:
            yield Finding("states", "ok", "Nothing is under way without a live operation.")

    def _given_up(self) -> Iterator[Finding]:
        """What an abandoned operation left in error has no other way out than to be deleted."""
        table = operations.table
        waiting = select(table.c.id).where(table.c.state == OperationState.NEEDS_ATTENTION.value)
        with self.parts.database.read() as tx:
            for resources in (schema.volumes, schema.snapshots, schema.attachments):
                noun = resources.name.removesuffix("s")
                rows = tx.execute(
                    select(resources.c.id)
                    .where(
                        resources.c.state == "error",
                        resources.c.operation.is_(None) | resources.c.operation.not_in(waiting),
                    )
                    .limit(100)
                ).all()
                for row in rows:
                    yield Finding(
                        "given up",
                        "warning",
                        f"The {noun} {row.id} is in error, and what left it so was given up.",
                        f"isthmus {noun} delete {row.id}",
                    )

    def _counts(self) -> Iterator[Finding]:
        with self.parts.database.read() as tx:
            drifts = usage.recount(tx)
            wrong = list(_promises(tx))
        for drift in drifts:
            yield Finding(
                "usage",
                "error",
                f"The usage of tenant {drift.tenant} does not match its volumes and snapshots.",
                "Please report this; what is granted stays within what there is.",
            )
        for pool, promised, counted in wrong:
            yield Finding(
                "pool",
                "error",
                f"Pool {pool} has {promised} bytes promised, its objects add up to {counted}.",
                "Please report this; what is granted stays within what there is.",
            )
        if not drifts and not wrong:
            yield Finding("counts", "ok", "Usage and promises match what is there.")

    def _seals(self) -> Iterator[Finding]:
        """Every secret must open, and under the newest root key."""
        newest, *older = self.parts.sealer.keys
        found = resealing.counted(self.parts.database)
        for key in sorted(found.keys() - {newest, *older}):
            said = f"sealed with the root key {key}, which the key source does not hold" if key else "damaged"
            cure = "Put that key back behind the newest one and start again." if key else "Set them anew."
            yield Finding("secrets", "error", f"{found[key]} secrets cannot be opened: they are {said}.", cure)
        late = sum(found[key] for key in older)
        if late:
            said = f"{late} secrets are sealed with an older root key than the newest one."
            yield Finding("secrets", "warning", said, "Stop all servers and run `isthmus key rotate`.")
        elif not found.keys() - {newest}:
            yield Finding("secrets", "ok", f"{found.total()} secrets are sealed with the newest root key.")


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Objects (kind, id) that the store knows, and those of them that must be there: nothing changes them now."""

    known: set[tuple[str, str]]
    settled: set[tuple[str, str]]


def _sum_of(column: Column[Any], pool: Column[Any]) -> ColumnElement[int]:
    total = select(func.coalesce(func.sum(column), 0)).where(pool == schema.pools.c.id)
    return total.correlate(schema.pools).scalar_subquery()


# One statement, so that promises and what they are for are of one moment.
_COUNTED = select(
    schema.pools.c.name,
    schema.pools.c.provisioned,
    _sum_of(schema.placements.c.size, schema.placements.c.pool).label("placed"),
    _sum_of(schema.snapshots.c.reserved, schema.snapshots.c.pool).label("kept"),
)


def _promises(tx: Tx) -> Iterator[tuple[str, int, int]]:
    """Pools whose promise differs from the sum over their placements and snapshots."""
    for row in tx.execute(_COUNTED):
        counted = int(row.placed) + int(row.kept)
        if row.provisioned != counted:
            yield row.name, row.provisioned, counted
