"""Profiles: what administrators let tenants ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, update

from ..context import Context
from ..errors import InUse, Invalid
from ..model.identity import new_id, now
from ..model.page import Query
from ..model.profile import Profile
from ..model.request import Changes, ProfileRequest
from ..profiles.requirement import compiled
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns, schema, usage
from ..store.database import Tx
from ..store.dialects import insert_if_absent
from .checks import check_description, check_metadata, check_name
from .collection import Collection, named, plain_changes
from .placing import find_profile

_TYPES = ("block", "file", "object")
_CHOICE = "default profile"
"""The row of `counters` that is locked while a default is chosen; it counts the choices."""
_LOCK = update(schema.counters).where(schema.counters.c.name == _CHOICE).values(value=schema.counters.c.value + 1)


class Profiles(Collection[Profile]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(
            parts, nouns.profiles, "profile", owned=False, named=True, filters=("name", "storage_type", "is_default")
        )

    def visible(self, context: Context, query: Query) -> Sequence[ColumnElement[bool]]:
        """A profile kept for some tenants is not there for the others."""
        if context.is_admin:
            return ()
        tenants = schema.profiles.c.tenants
        return (or_(tenants == (), named(tenants, str(context.tenant))),)

    def seen(self, tx: Tx, context: Context, identifier: str, verb: str = "read") -> Profile:
        authorise(context, f"profile:{verb}", None)
        return find_profile(tx, context, identifier)

    def create(self, context: Context, wanted: ProfileRequest) -> Profile:
        """A new profile, its document checked; what nothing enforces is named in `unenforced`."""
        authorise(context, "profile:write", None)
        name = check_name(wanted.name)
        if wanted.storage_type not in _TYPES:
            raise Invalid(f"The storage type is one of {', '.join(_TYPES)}.", field="storage_type")
        requirement = compiled(wanted.properties, name, wanted.storage_type)
        moment = now()
        profile = Profile(
            id=new_id(),
            name=name,
            storage_type=wanted.storage_type,
            created_at=moment,
            updated_at=moment,
            description=check_description(wanted.description),
            is_default=wanted.is_default,
            tenants=tuple(wanted.tenants),
            unenforced=requirement.unenforced,
            properties=dict(wanted.properties),
            metadata=check_metadata(wanted.metadata),
        )

        def work(tx: Tx) -> Profile:
            if profile.is_default:
                _choose_alone(tx)
            self._check_tenants(tx, profile.tenants)
            if profile.is_default:
                _only_default(tx, profile.id)
            nouns.profiles.insert(tx, profile)
            self.parts.happened(tx, "profile.created", profile, context)
            return profile

        return self.changed(work, name)

    def update(self, context: Context, profile: str, changes: Changes, *, if_version: int | None = None) -> Profile:
        """New values; volumes that exist keep the placement that the old ones gave them."""
        values: dict[str, Any] = plain_changes(changes.name, changes.description, changes.metadata)
        if changes.tenants is not None:
            values["tenants"] = tuple(changes.tenants)
        if changes.is_default is not None:
            values["is_default"] = changes.is_default
        if changes.properties is not None:
            with self.parts.database.read() as tx:
                known = self.seen(tx, context, profile, "write")
            requirement = compiled(changes.properties, known.name, known.storage_type)
            values["properties"] = dict(changes.properties)
            values["unenforced"] = requirement.unenforced

        def beside(tx: Tx, before: Profile) -> None:
            self._check_tenants(tx, values.get("tenants", ()))
            if changes.is_default:
                _only_default(tx, before.id)

        first = _choose_alone if changes.is_default else None
        return self.change_now(
            context, profile, values, if_version=if_version, verb="write", first=first, beside=beside
        )

    def delete(self, context: Context, profile: str, *, if_version: int | None = None) -> None:
        """Remove a profile with the limits on it; `InUse` while volumes have it, and while it is the default beside
        others: a volume that names no profile would have none."""

        def work(tx: Tx) -> None:
            known = self.seen(tx, context, profile, "write")
            if not nouns.profiles.change(tx, known.id, if_version=if_version):
                nouns.profiles.require_version(tx, known.id, if_version)
            if nouns.volumes.where(tx, schema.volumes.c.profile == known.id, limit=1):
                raise InUse(f"Volumes have the profile {known.name}.", next_step="Delete them first.")
            is_default = nouns.profiles.get(tx, known.id).is_default
            nouns.profiles.delete(tx, known.id)
            if is_default and nouns.profiles.where(tx, limit=1):
                raise InUse(
                    f"The profile {known.name} is the default.", next_step="Make another one the default first."
                )
            usage.forget_profiles(tx)
            self.parts.happened(tx, "profile.deleted", known, context)

        self.parts.database.change(work, durable=True)

    def _check_tenants(self, tx: Tx, tenants: Sequence[str]) -> None:
        for tenant in tenants:
            if nouns.tenants.find(tx, tenant) is None:
                raise Invalid(f"There is no tenant {tenant}.", field="tenants")


def _choose_alone(tx: Tx) -> None:
    """Whoever chooses a default waits here for the one before, and then sees what that one chose.

    Without it each of two choices made at once would not see the other, and both would stay. Taken before any
    profile's row, so that two of them never wait for each other.
    """
    if tx.execute(_LOCK).rowcount == 0:
        insert_if_absent(tx, schema.counters, {"name": _CHOICE, "value": 0})
        tx.execute(_LOCK)


def _only_default(tx: Tx, profile: str) -> None:
    """One profile is the default at a time."""
    table = schema.profiles
    tx.execute(update(table).where(table.c.id != profile, table.c.is_default.is_(True)).values(is_default=False))
