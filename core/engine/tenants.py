"""Tenants, their limits and what they use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from ..context import Context
from ..errors import InUse
from ..model.identity import new_id, now
from ..model.page import Query
from ..model.request import Changes, TenantRequest
from ..model.tenant import Limit, Tenant
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns, schema, usage
from ..store.database import Tx
from .checks import check_description, check_metadata, check_name
from .collection import Collection, plain_changes
from .placing import find_profile, hold_profile

_OWNING = (schema.volumes, schema.snapshots, schema.hosts, schema.attachments)


class Tenants(Collection[Tenant]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, nouns.tenants, "tenant", named=True, filters=("name", "enabled"))

    def visible(self, context: Context, query: Query) -> Sequence[ColumnElement[bool]]:
        return () if context.is_admin else (schema.tenants.c.id == context.tenant,)

    def seen(self, tx: Tx, context: Context, identifier: str, verb: str = "read") -> Tenant:
        tenant = nouns.tenants.find(tx, identifier) or nouns.tenant_by_name.find(tx, identifier)
        if tenant is None or (not context.is_admin and tenant.id != context.tenant):
            raise self.absent(identifier)
        authorise(context, f"tenant:{verb}", tenant.id)
        return tenant

    def create(self, context: Context, wanted: TenantRequest) -> Tenant:
        authorise(context, "tenant:create", context.tenant)
        moment = now()
        tenant = Tenant(
            id=new_id(),
            name=check_name(wanted.name),
            created_at=moment,
            updated_at=moment,
            description=check_description(wanted.description),
            metadata=check_metadata(wanted.metadata),
        )

        def work(tx: Tx) -> Tenant:
            nouns.tenants.insert(tx, tenant)
            self.parts.happened(tx, "tenant.created", tenant, context)
            return tenant

        return self.changed(work, tenant.name)

    def update(self, context: Context, tenant: str, changes: Changes, *, if_version: int | None = None) -> Tenant:
        """New values; a disabled tenant's users and tokens are refused at once."""
        values: dict[str, Any] = plain_changes(changes.name, changes.description, changes.metadata)
        if changes.enabled is not None:
            values["enabled"] = changes.enabled
        return self.change_now(context, tenant, values, if_version=if_version)

    def delete(self, context: Context, tenant: str, *, if_version: int | None = None) -> None:
        """Remove a tenant with its users and tokens; `InUse` while it owns anything."""

        def work(tx: Tx) -> None:
            known = self.seen(tx, context, tenant, "delete")
            if not nouns.tenants.change(tx, known.id, if_version=if_version, enabled=False):
                nouns.tenants.require_version(tx, known.id, if_version)
            for table in _OWNING:
                if tx.execute(select(table.c.id).where(table.c.tenant == known.id).limit(1)).first() is not None:
                    raise InUse(f"The tenant {known.name} owns {table.name}.", next_step="Delete them first.")
            tx.execute(schema.tokens.delete().where(schema.tokens.c.tenant == known.id))
            tx.execute(schema.users.delete().where(schema.users.c.tenant == known.id))
            usage.forget(tx, known.id)
            nouns.tenants.delete(tx, known.id)
            self.parts.happened(tx, "tenant.deleted", known, context)

        self.parts.database.change(work, durable=True)

    def limits(self, context: Context, tenant: str | None) -> Sequence[Limit]:
        """Usage and limits of a tenant: over all profiles first, then by profile."""
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, tenant or context.tenant or "")
            authorise(context, "limit:read", known.id)
            found = usage.listed(tx, known.id)
            # A tenant that never had anything has no row yet, and nothing is what it has.
            return found if found and found[0].profile is None else [usage.get(tx, known.id), *found]

    def set_limit(
        self, context: Context, tenant: str, profile: str | None, *, max_volumes: int | None, max_bytes: int | None
    ) -> Limit:
        def work(tx: Tx) -> Limit:
            known = self.seen(tx, context, tenant)
            authorise(context, "limit:write", known.id)
            kept = None if profile is None else find_profile(tx, context, profile).id
            if kept is not None:
                hold_profile(tx, kept)
            return usage.set_limits(tx, known.id, kept, max_volumes=max_volumes, max_bytes=max_bytes)

        return self.parts.database.change(work, durable=True)
