"""Sealed secrets by owner and name. The store never sees one open."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, select, update

from . import schema
from .database import Tx
from .dialects import insert_if_absent

_secrets = schema.secrets
_this = and_(_secrets.c.owner == bindparam("o"), _secrets.c.name == bindparam("n"))
_read = select(_secrets.c.sealed).where(_this)
_replace = update(_secrets).where(_this).values(sealed=bindparam("s"))
_remove = _secrets.delete().where(_this)
_names = select(_secrets.c.name).where(_secrets.c.owner == bindparam("o")).order_by(_secrets.c.name)
_remove_all = _secrets.delete().where(_secrets.c.owner == bindparam("o"))


def put(tx: Tx, owner: str, name: str, sealed: bytes) -> None:
    """Keep `sealed` under this name, in place of what was there."""
    if not insert_if_absent(tx, _secrets, {"owner": owner, "name": name, "sealed": sealed}):
        tx.execute(_replace, {"o": owner, "n": name, "s": sealed})


def get(tx: Tx, owner: str, name: str) -> bytes | None:
    """The sealed bytes, or None."""
    sealed = tx.execute(_read, {"o": owner, "n": name}).scalar()
    return None if sealed is None else bytes(sealed)


def names(tx: Tx, owner: str) -> list[str]:
    """The names under which the owner has secrets."""
    return list(tx.execute(_names, {"o": owner}).scalars())


def delete(tx: Tx, owner: str, name: str | None = None) -> int:
    """Forget one secret, or all of the owner (None); returns how many there were."""
    if name is None:
        return int(tx.execute(_remove_all, {"o": owner}).rowcount)
    return int(tx.execute(_remove, {"o": owner, "n": name}).rowcount)
