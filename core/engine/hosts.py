"""Hosts and their initiators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, select

from ..context import Context
from ..errors import Conflict, InUse, Invalid
from ..model.host import Host, Initiator
from ..model.identity import new_id, now
from ..model.page import Query
from ..model.request import Changes, HostRequest
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns, schema
from ..store.database import Tx
from .checks import check_initiator, check_metadata, check_name, check_text
from .collection import Collection, plain_changes
from .placing import hold_tenant, owner_of

_PROTOCOLS = ("iscsi", "nbd", "memory")


class Hosts(Collection[Host]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, nouns.hosts, "host", common=True, filters=("name",))

    def create(self, context: Context, wanted: HostRequest) -> Host:
        """A new host; raises `Conflict` when an initiator name is taken."""
        host = self._checked(context, wanted)

        def work(tx: Tx) -> Host:
            if wanted.take:
                self._take(tx, context, host)
            return self._insert(tx, context, host)

        return self.parts.database.change(work, durable=True)

    def ensure(self, context: Context, wanted: HostRequest) -> Host:
        """The host that has these initiators, made or completed where needed; one of the installation serves every
        tenant. Idempotent."""
        fresh = self._checked(context, wanted)
        if not fresh.initiators:
            raise Invalid("A host is found by its initiators; none is given.", field="initiators")

        def work(tx: Tx) -> Host:
            found = (nouns.hosts.by_initiator(tx, initiator) for initiator in fresh.initiators)
            mine = (fresh.tenant, None)
            host = next((known for known in found if known is not None and known.tenant in mine), None)
            if host is None:
                return self._insert(tx, context, fresh)
            complete = tuple(dict.fromkeys((*host.initiators, *fresh.initiators)))
            if len(complete) == len(host.initiators):
                return host
            authorise(context, "host:update", host.tenant)
            nouns.hosts.change(tx, host.id)
            nouns.hosts.replace_initiators(tx, host, complete)
            after = nouns.hosts.get(tx, host.id)
            self.parts.happened(tx, "host.updated", after, context)
            return after

        try:
            return self.parts.database.change(work, durable=True)
        except Conflict:
            # Another request may have made the host in this very moment; then it is found now.
            return self.parts.database.change(work, durable=True)

    def update(self, context: Context, host: str, changes: Changes, *, if_version: int | None = None) -> Host:
        values = plain_changes(changes.name, None, changes.metadata)
        if changes.os_type is not None:
            values["os_type"] = check_text(changes.os_type, "os_type")
        if changes.address is not None:
            values["address"] = check_text(changes.address, "address") or None
        initiators = None if changes.initiators is None else checked_initiators(changes.initiators)

        def beside(tx: Tx, before: Host) -> None:
            if initiators is None:
                return
            if changes.take:
                self._take(tx, context, replace(before, initiators=initiators))
            nouns.hosts.replace_initiators(tx, before, initiators)
            if set(before.initiators) - set(initiators) and nouns.attachments_of_host.all(tx, before.id):
                raise InUse(
                    "Volumes are attached to this host; its initiators stay until they are detached.",
                    next_step="Detach them first.",
                )

        return self.change_now(context, host, values, if_version=if_version, beside=beside)

    def delete(self, context: Context, host: str, *, if_version: int | None = None) -> None:
        """Remove a host; `InUse` while anything is attached to it."""

        def work(tx: Tx) -> None:
            known = self.seen(tx, context, host, "delete")
            # Raising the version serialises with an attachment being accepted for this host.
            if not nouns.hosts.change(tx, host, if_version=if_version):
                nouns.hosts.require_version(tx, host, if_version)
            attached = nouns.attachments_of_host.all(tx, host)
            if attached:
                raise InUse(
                    f"{len(attached)} volume(s) are attached to the host.",
                    next_step="Detach them first.",
                    attachments=[attachment.id for attachment in attached],
                )
            nouns.hosts.delete(tx, host)
            self.parts.happened(tx, "host.deleted", known, context)

        self.parts.database.change(work, durable=True)

    def narrowed(self, query: Query) -> tuple[Query, Sequence[ColumnElement[bool]]]:
        """The filter `initiator` finds the hosts that have the name, `protocol` those that have any name for it."""
        filters, table, conditions = dict(query.filters), schema.initiators, []
        if "initiator" in filters:
            name = check_initiator(filters.pop("initiator"))
            conditions.append(schema.hosts.c.id.in_(select(table.c.host).where(table.c.name == name)))
        if "protocol" in filters:
            protocol = _check_protocol(filters.pop("protocol"))
            conditions.append(schema.hosts.c.id.in_(select(table.c.host).where(table.c.protocol == protocol)))
        return replace(query, filters=filters), conditions

    def _take(self, tx: Tx, context: Context, host: Host) -> None:
        """Let other hosts of the same owner give up what `host` is to have; one left without initiators goes.

        `InUse` where something is attached to such a host. Names of other owners' hosts stay taken.
        """
        holders = {
            holder.id: holder
            for initiator in host.initiators
            if (holder := nouns.hosts.by_initiator(tx, initiator)) is not None
            and holder.id != host.id
            and holder.tenant == host.tenant
        }
        for _, holder in sorted(holders.items()):
            authorise(context, "host:update", holder.tenant)
            # Raising the version serialises with an attachment being accepted for it, and with other changes of it.
            if not nouns.hosts.change(tx, holder.id):
                continue
            current = nouns.hosts.get(tx, holder.id)
            left = tuple(initiator for initiator in current.initiators if initiator not in host.initiators)
            if nouns.attachments_of_host.all(tx, holder.id):
                raise InUse(
                    f"Volumes are attached to host {holder.id}; its initiators stay until they are detached.",
                    next_step="Detach them first.",
                    host=holder.id,
                )
            if left:
                nouns.hosts.replace_initiators(tx, current, left)
                self.parts.happened(tx, "host.updated", nouns.hosts.get(tx, holder.id), context)
            else:
                authorise(context, "host:delete", holder.tenant)
                nouns.hosts.delete(tx, holder.id)
                self.parts.happened(tx, "host.deleted", current, context)

    def _checked(self, context: Context, wanted: HostRequest) -> Host:
        tenant = None if wanted.installation else owner_of(context)
        authorise(context, "host:create", tenant)
        moment = now()
        return Host(
            id=new_id(),
            tenant=tenant,
            name=check_name(wanted.name),
            created_at=moment,
            updated_at=moment,
            os_type=check_text(wanted.os_type, "os_type"),
            address=None if wanted.address is None else check_text(wanted.address, "address") or None,
            initiators=checked_initiators(wanted.initiators),
            metadata=check_metadata(wanted.metadata),
        )

    def _insert(self, tx: Tx, context: Context, host: Host) -> Host:
        if host.tenant is not None:
            hold_tenant(tx, host.tenant)
        nouns.hosts.insert(tx, host)
        self.parts.happened(tx, "host.created", host, context)
        return host


def checked_initiators(initiators: tuple[Initiator, ...]) -> tuple[Initiator, ...]:
    """The initiators, each once, with known protocols and usable names; raises `Invalid`."""
    for initiator in initiators:
        _check_protocol(initiator.protocol)
        check_initiator(initiator.name, initiator.protocol)
    return tuple(dict.fromkeys(initiators))


def _check_protocol(protocol: str) -> str:
    if protocol not in _PROTOCOLS:
        raise Invalid(
            f"There is no protocol {protocol!r}.",
            next_step=f"Use one of: {', '.join(_PROTOCOLS)}.",
            field="initiators",
        )
    return protocol
