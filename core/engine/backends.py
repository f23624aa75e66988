"""Back ends: added, tested, disabled and removed while the server runs."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ..context import Context
from ..errors import Conflict, InUse, IsthmusError
from ..model.backend import Backend, BackendState, Health
from ..model.codec import to_json
from ..model.description import Trial
from ..model.identity import now
from ..model.pool import Pool, PoolState
from ..model.request import BackendRequest, Changes
from ..runtime.live_backends import Live
from ..runtime.measuring import measure, pools_of, refresh, store_reports
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns, schema, secrets
from ..store.database import Tx
from .checks import check_metadata, check_name, check_text
from .collection import Collection, plain_changes


class Backends(Collection[Backend]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(
            parts,
            nouns.backends,
            "backend",
            owned=False,
            named=True,
            filters=("name", "driver", "state", "health", "node", "zone"),
        )

    def add(self, context: Context, wanted: BackendRequest) -> Backend:
        """Try a back end, and add it with its pools when it can serve."""
        backend = self._made(context, wanted)
        with self.parts.database.read() as tx:
            if nouns.backend_by_name.find(tx, backend.name) is not None:
                raise Conflict(
                    f"There is a back end {backend.name} already.",
                    next_step="Choose another name.",
                    field="name",
                    value=backend.name,
                )
        live = self.parts.live.make(backend, wanted.secrets)
        try:
            live.driver.check()
            reports = live.driver.pools()
            sealed = {
                name: self.parts.sealer.seal(backend.id, value.encode()) for name, value in wanted.secrets.items()
            }
            backend = replace(backend, health=Health.HEALTHY, abilities=live.abilities)

            def work(tx: Tx) -> Backend:
                nouns.backends.insert(tx, backend)
                for name, value in sealed.items():
                    secrets.put(tx, backend.id, name, value)
                store_reports(tx, replace(live, backend=backend), reports)
                self.parts.happened(tx, "backend.created", backend, context)
                return backend

            self.changed(work, backend.name)
        finally:
            live.driver.stop()
        refresh(self.parts)
        return self.get(context, backend.id)

    def test(self, context: Context, wanted: BackendRequest | str) -> Trial:
        """Try a configuration, or a back end that is there. Changes nothing but the measured values of the latter."""
        if isinstance(wanted, str):
            with self.parts.database.read() as tx:
                known = self.seen(tx, context, wanted, "write")
            measure(self.parts, known)
            refresh(self.parts)
            try:
                return _trial(self.parts.live.get(known.id))
            except IsthmusError as error:
                return Trial(False, str(error))
        backend = self._made(context, wanted)
        try:
            live = self.parts.live.make(backend, wanted.secrets)
        except IsthmusError as error:
            return Trial(False, str(error))
        try:
            return _trial(live)
        except IsthmusError as error:
            return Trial(False, str(error), live.abilities)
        finally:
            live.driver.stop()

    def update(self, context: Context, backend: str, changes: Changes, *, if_version: int | None = None) -> Backend:
        """Name, metadata, and whether it takes new placements; what is on it stays."""
        values: dict[str, Any] = plain_changes(changes.name, None, changes.metadata)
        if changes.enabled is not None:
            values["state"] = (BackendState.ENABLED if changes.enabled else BackendState.DISABLED).value

        def beside(tx: Tx, before: Backend) -> None:
            if changes.enabled is None:
                return
            # In the same transaction: what is accepted after a back end was disabled goes elsewhere.
            state = PoolState.UNAVAILABLE if changes.enabled else PoolState.DISABLED
            reason = "It is being measured." if changes.enabled else "Its back end is disabled."
            for pool in nouns.pools_of_backend.all(tx, before.id):
                if changes.enabled == (pool.state is PoolState.DISABLED):
                    nouns.pools.change(tx, pool.id, state=state.value, reason=reason)

        changed = self.change_now(context, backend, values, if_version=if_version, verb="write", beside=beside)
        self.parts.live.forget(changed.id)
        measure(self.parts, changed)
        refresh(self.parts)
        return self.get(context, changed.id)

    def remove(self, context: Context, backend: str, *, if_version: int | None = None) -> None:
        """Forget a back end that nothing is placed on; nothing is done to the storage itself."""

        def work(tx: Tx) -> Backend:
            known = self.seen(tx, context, backend, "write")
            if not nouns.backends.change(tx, known.id, if_version=if_version, state=BackendState.DISABLED.value):
                nouns.backends.require_version(tx, known.id, if_version)
            # Their rows are changed before they are looked at: a volume that is being accepted is seen, or refused.
            for pool in nouns.pools_of_backend.all(tx, known.id):
                nouns.pools.change(tx, pool.id, state=PoolState.DISABLED.value)
            pools: list[Pool] = nouns.pools_of_backend.all(tx, known.id)
            if any(pool.provisioned for pool in pools) or _occupied(tx, known.id, [pool.id for pool in pools]):
                raise InUse(
                    f"Volumes or snapshots are on the back end {known.name}.",
                    next_step="Delete them first; to take no new ones meanwhile, disable it.",
                )
            for pool in pools:
                nouns.pools.delete(tx, pool.id)
            secrets.delete(tx, known.id)
            nouns.backends.delete(tx, known.id)
            self.parts.happened(tx, "backend.deleted", known, context)
            return known

        removed = self.parts.database.change(work, durable=True)
        self.parts.live.forget(removed.id)
        refresh(self.parts)

    def _identity(self, wanted: BackendRequest) -> str:
        """The id that this configuration has in this installation, each time it is tried or added.

        A driver may mark its storage with the id when it starts (the file driver does its folder): what was only
        tried, or could not be added at first, can then be added all the same.
        """
        said = json.dumps([wanted.name, wanted.driver, dict(wanted.settings)], sort_keys=True, default=str)
        return str(uuid.UUID(bytes=hmac.digest(self.parts.signer, said.encode(), "sha256")[:16], version=4))

    def _made(self, context: Context, wanted: BackendRequest) -> Backend:
        authorise(context, "backend:write", None)
        self.parts.live.check_settings(wanted.driver, wanted.settings, wanted.secrets)
        moment = now()
        return Backend(
            id=self._identity(wanted),
            name=check_name(wanted.name),
            driver=wanted.driver,
            state=BackendState.ENABLED,
            health=Health.UNKNOWN,
            created_at=moment,
            updated_at=moment,
            node=check_text(wanted.node, "node") if wanted.node else self.parts.settings.node,
            zone=None if wanted.zone is None else check_text(wanted.zone, "zone"),
            settings=dict(wanted.settings),
            metadata=check_metadata(wanted.metadata),
        )


def _trial(live: Live) -> Trial:
    live.driver.check()
    measured = pools_of(live, live.driver.pools())
    return Trial(
        ok=True,
        abilities=live.abilities,
        protocols=tuple(live.publisher.protocols()),
        refusals=dict(live.publisher.refusals()),
        pools=[_shown(pool) for pool in measured],
    )


def _shown(pool: Pool) -> Mapping[str, Any]:
    document = to_json(pool)
    return {name: document[name] for name in ("name", "zone", "total", "used", "granularity", "thin", "thick")}


def _occupied(tx: Tx, backend: str, pools: list[str]) -> bool:
    placed = select(schema.placements.c.id).where(schema.placements.c.backend == backend).limit(1)
    kept = select(schema.snapshots.c.id).where(schema.snapshots.c.pool.in_(pools)).limit(1)
    return tx.execute(placed).first() is not None or tx.execute(kept).first() is not None
