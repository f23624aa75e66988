"""Reading what a caller may see of one kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Text, type_coerce
from sqlalchemy.exc import IntegrityError

from ..context import Context
from ..errors import Conflict, Invalid, NotFound
from ..model.page import Page, Query
from ..runtime.parts import Parts
from ..security.policy import authorise, visible_tenant
from ..store.database import Tx
from ..store.listing import page
from ..store.repository import Repository
from .checks import check_description, check_metadata, check_name
from .references import Reference

T = TypeVar("T")


class Collection(Generic[T]):
    """Lists and reads of one noun; services derive from it and add what changes it.

    `owned` things belong to a tenant and do not exist for the others; what belongs to the installation (tenant None)
    is seen by all where `common`. `references` are filters whose value may be a name.
    """

    def __init__(
        self,
        parts: Parts,
        repository: Repository[T],
        permission: str,
        *,
        owned: bool = True,
        common: bool = False,
        sorts: Sequence[str] = ("created_at", "name"),
        filters: Sequence[str] = ("name",),
        references: Mapping[str, Reference] | None = None,
        named: bool = False,
    ) -> None:
        self.parts = parts
        self.repository = repository
        self.permission = permission
        self.owned = owned
        self.common = common
        self.sorts = tuple(sorts)
        self.filters = tuple(filters)
        self.references = references or {}
        self.named = named

    def list(self, context: Context, query: Query | None = None) -> Page[T]:
        """A page of what the caller may see."""
        query, narrowed = self.narrowed(query or Query())
        self.admit(context)
        scope = self.scope(context, query)
        with self.parts.database.read() as tx:
            query = self._by_id(tx, context, query)
            return page(
                tx,
                self.repository,
                query,
                scope=scope,
                conditions=(*narrowed, *(() if self._scoped else self.visible(context, query))),
                total=(lambda: self.total(tx, context)) if scope else None,
                sort_keys=self.sorts,
                filter_fields=self.filters,
                signer=self.parts.signer,
            )

    def narrowed(self, query: Query) -> tuple[Query, Sequence[ColumnElement[bool]]]:
        """The query without filters that are no columns of the table, and what these come to."""
        return query, ()

    def _by_id(self, tx: Tx, context: Context, query: Query) -> Query:
        """The query with ids for the names in it; raises `Invalid` for a name of nothing."""
        given = self.references.keys() & query.filters.keys()
        if not given:
            return query
        filters = dict(query.filters)
        for field in given:
            value = filters[field]
            # Nothing has another name, and not every database takes it.
            if isinstance(value, str) and value.isprintable():
                try:
                    filters[field] = self.references[field](tx, context, value)
                except NotFound as missing:
                    raise Invalid(missing.message, next_step=missing.next_step, field=field) from None
        return replace(query, filters=filters)

    def admit(self, context: Context) -> None:
        """Let callers pass who may list at all; `visible` says what they see."""
        authorise(context, f"{self.permission}:read", context.tenant if self.owned else None)

    def get(self, context: Context, identifier: str) -> T:
        """One thing by id (or by name, where names are unique); raises `NotFound`."""
        with self.parts.database.read() as tx:
            return self.seen(tx, context, identifier)

    @property
    def _scoped(self) -> bool:
        """Whether a plain equality says what a caller sees; the store then keeps the statement."""
        return self.owned and not self.common and type(self).visible is Collection.visible

    def scope(self, context: Context, query: Query) -> Mapping[str, str]:
        """The tenant whose things are listed; nothing for all of them."""
        tenant = self._tenant(context, query) if self._scoped else None
        return {} if tenant is None else {"tenant": tenant}

    def total(self, tx: Tx, context: Context) -> int | None:
        """How many things the caller's tenant has, where that is known without counting."""
        return None

    def visible(self, context: Context, query: Query) -> Sequence[ColumnElement[bool]]:
        """The condition that keeps a list to what the caller may see."""
        tenant = self._tenant(context, query) if self.owned else None
        if tenant is None:
            return ()
        column = self.repository.table.c.tenant
        return ((column == tenant) | column.is_(None) if self.common else column == tenant,)

    def _tenant(self, context: Context, query: Query) -> str | None:
        bound = visible_tenant(context)
        return bound if bound is not None or query.all_tenants else context.tenant

    def seen(self, tx: Tx, context: Context, identifier: str, verb: str = "read") -> T:
        """The thing, if the caller may do `verb` with it; a foreign tenant's is `NotFound` like one that is not."""
        noun = self.repository.find(tx, identifier)
        if noun is None and self.named:
            found = self.repository.where(tx, self.repository.table.c.name == identifier, limit=1)
            noun = found[0] if found else None
        if noun is None:
            raise self.absent(identifier)
        try:
            authorise(context, f"{self.permission}:{verb}", getattr(noun, "tenant", None) if self.owned else None)
        except NotFound:
            raise self.absent(identifier) from None
        return noun

    def shows(self, context: Context, noun: T) -> bool:
        """Whether the caller may know of this thing."""
        try:
            authorise(context, f"{self.permission}:read", getattr(noun, "tenant", None) if self.owned else None)
        except NotFound:
            return False
        return True

    def absent(self, identifier: str) -> NotFound:
        return NotFound(
            f"There is no {self.repository.label} {identifier}.",
            next_step="Check the id and the tenant you act for.",
            resource=identifier,
        )

    def change_now(
        self,
        context: Context,
        identifier: str,
        values: Mapping[str, Any],
        *,
        if_version: int | None = None,
        verb: str = "update",
        first: Callable[[Tx], None] | None = None,
        beside: Callable[[Tx, T], None] | None = None,
    ) -> T:
        """Set plain values at once (name, description, notes), conditionally where `if_version` is given.

        `first` takes what locks it needs before anything is read or changed. `beside` changes what belongs to it in
        the same transaction and is given the thing as it was.
        """

        def work(tx: Tx) -> T:
            if first is not None:
                first(tx)
            before = self.seen(tx, context, identifier, verb)
            key: str = before.id  # type: ignore[attr-defined]
            if not self.repository.change(tx, key, if_version=if_version, **values):
                self.repository.require_version(tx, key, if_version)
                raise self.absent(identifier)
            if beside is not None:
                beside(tx, before)
            after = self.repository.get(tx, key)
            self.parts.happened(tx, f"{self.permission}.updated", after, context)
            return after

        return self.changed(work, values.get("name"))

    def changed(self, work: Callable[[Tx], T], name: str | None) -> T:
        """Do `work` in a durable transaction; raises `Conflict` when another of the same unique `name` is there."""
        try:
            return self.parts.database.change(work, durable=True)
        except IntegrityError:
            if name is None or not self.named:
                raise
            raise Conflict(
                f"There is a {self.repository.label} {name} already.",
                next_step="Choose another name.",
                field="name",
                value=name,
            ) from None


def named(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column of names holds this one (an id or a role, without characters that a pattern knows)."""
    return type_coerce(column, Text).like(f'%"{name}"%')


def plain_changes(name: str | None, description: str | None, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """The checked values of what any resource lets its user change; what is None stays as it is."""
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = check_name(name)
    if description is not None:
        values["description"] = check_description(description)
    if metadata is not None:
        values["metadata"] = check_metadata(metadata)
    return values
