"""Hosts with their initiators, which lie in a table of their own because an initiator's name exists once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from ..errors import Conflict
from ..model.host import Host, Initiator
from . import schema
from .database import Tx
from .dialects import insert_if_absent
from .repository import Repository

_initiators = schema.initiators
_of_hosts = (
    select(_initiators.c.host, _initiators.c.protocol, _initiators.c.name)
    .where(_initiators.c.host.in_(bindparam("hosts", expanding=True)))
    .order_by(_initiators.c.protocol, _initiators.c.name)
)
_holder = (
    select(schema.hosts.c.id, schema.hosts.c.tenant)
    .join(_initiators, _initiators.c.host == schema.hosts.c.id)
    .where(_initiators.c.protocol == bindparam("protocol"), _initiators.c.name == bindparam("name"))
)
_forget_one = _initiators.delete().where(
    _initiators.c.host == bindparam("wanted"),
    _initiators.c.protocol == bindparam("protocol"),
    _initiators.c.name == bindparam("named"),
)
_forget_all = _initiators.delete().where(_initiators.c.host == bindparam("wanted"))


class HostRepository(Repository[Host]):
    """As `Repository`, with the initiators read and written along."""

    def __init__(self) -> None:
        super().__init__(schema.hosts, Host, "host")

    def insert(self, tx: Tx, noun: Host, **more: Any) -> None:
        """Add the host and its initiators; raises `Conflict` when an initiator belongs to another host."""
        super().insert(tx, noun, **more)
        self._claim(tx, noun.id, noun.tenant, noun.initiators)

    def replace_initiators(self, tx: Tx, host: Host, initiators: Sequence[Initiator]) -> None:
        """Give `host` exactly these initiators; raises `Conflict` when one belongs to another host.

        The caller raises the host's version in the same transaction, before this, which also keeps two changes of
        one host apart.
        """
        current = {Initiator(row.protocol, row.name) for row in tx.execute(_of_hosts, {"hosts": [host.id]})}
        for initiator in sorted(current.difference(initiators), key=_order):
            tx.execute(_forget_one, {"wanted": host.id, "protocol": initiator.protocol, "named": initiator.name})
        self._claim(tx, host.id, host.tenant, set(initiators) - current)

    def by_initiator(self, tx: Tx, initiator: Initiator) -> Host | None:
        """The host that has this initiator, whoever's it is, or None."""
        row = tx.execute(_holder, {"protocol": initiator.protocol, "name": initiator.name}).first()
        return None if row is None else self.find(tx, row.id)

    def complete(self, tx: Tx, nouns: list[Host]) -> list[Host]:
        if not nouns:
            return nouns
        found: dict[str, list[Initiator]] = {}
        for host, protocol, name in tx.execute(_of_hosts, {"hosts": [noun.id for noun in nouns]}):
            found.setdefault(host, []).append(Initiator(protocol, name))
        return [replace(noun, initiators=tuple(found[noun.id])) if noun.id in found else noun for noun in nouns]

    def delete(self, tx: Tx, identifier: str) -> bool:
        tx.execute(_forget_all, {"wanted": identifier})
        return super().delete(tx, identifier)

    def _claim(self, tx: Tx, host: str, tenant: str | None, initiators: Iterable[Initiator]) -> None:
        for initiator in sorted(set(initiators), key=_order):
            row = {"protocol": initiator.protocol, "name": initiator.name, "host": host}
            if not insert_if_absent(tx, _initiators, row):
                self._refuse(tx, initiator, tenant)

    def _refuse(self, tx: Tx, initiator: Initiator, tenant: str | None) -> None:
        """Say that the name is taken; by which host only to those who may know of it."""
        holder = tx.execute(_holder, {"protocol": initiator.protocol, "name": initiator.name}).first()
        details: dict[str, Any] = {"protocol": initiator.protocol, "initiator": initiator.name}
        whose = "another host"
        if holder is not None and tenant in (None, holder.tenant):
            details["host"] = holder.id
            whose = f"host {holder.id}"
        raise Conflict(
            f"The {initiator.protocol} initiator {initiator.name} is taken by {whose}.",
            next_step="Use another initiator name, or remove it from the host that has it.",
            **details,
        )


def _order(initiator: Initiator) -> tuple[str, str]:
    return initiator.protocol, initiator.name
