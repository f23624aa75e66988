"""`isthmus key rotate` and `isthmus key list`: the root keys, and what is sealed under them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...core.duties import leases
from ...core.engine.resealing import counted, reseal
from ...core.errors import Conflict, Misconfigured, NotOffered
from ...core.journal.owner import is_dead
from ...core.security.keys import RootKey, Rotates
from ...core.security.sealing import Sealer
from ...core.store import upgrade
from ...core.store.database import Database
from ..settings import Configuration
from .lock import StateLock
from .preparation import check_tables, make_folders, open_database, open_key_source


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A root key by its id: whether it seals what is new, whether the key source has it, how many values it sealed."""

    key: str
    newest: bool
    present: bool
    sealed: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """`key` is the newest root key's id, `added` whether it was made now or had been there; `resealed` values are
    under it now that were not before. `broken` names those that open no more, and why."""

    key: str
    added: bool
    resealed: int
    broken: tuple[str, ...] = ()


def uses(configuration: Configuration) -> Sequence[KeyUse]:
    """The root keys of the key source, the newest first, then those that are missing there. Changes nothing."""
    with _opened(configuration) as database:
        sealed = counted(database)
        keys = [key.id for key in open_key_source(configuration, database).load()]
        missing = sorted(sealed.keys() - {"", *keys})
        return [KeyUse(key, key == keys[0], key in keys, sealed[key]) for key in (*keys, *missing)]


def rotate(configuration: Configuration) -> Rotation:
    """Have a new root key made, and seal everything under it.

    The new key is durably in the key source before anything is sealed under it, and the older ones stay, so that
    everything opens whenever this is interrupted. What was interrupted, or a newer key that somebody put into the key
    source, is brought to its end first: no further key is made then. Raises as `key_rotate` says.
    """
    make_folders(configuration)
    lock = StateLock(configuration.state)
    lock.acquire()
    try:
        with _opened(configuration) as database:
            _refuse_served(configuration, database)
            return _rotate(configuration, database)
    finally:
        lock.release()


def _rotate(configuration: Configuration, database: Database) -> Rotation:
    source = open_key_source(configuration, database)
    keys = source.load()
    opening = {key.id for key in keys[1:]}
    added = not any(counted(database)[key] for key in opening)
    if added:
        keys = (_new_key(configuration, source), *keys)
    done = reseal(database, Sealer(keys))
    return Rotation(keys[0].id, added, done.changed, done.broken)


def _new_key(configuration: Configuration, source: object) -> RootKey:
    if isinstance(source, Rotates):
        return source.rotate()
    raise NotOffered(
        f"The key source {configuration.key_source} takes no new key from here, and it has none that is newer than "
        "what everything is sealed under.",
        next_step="Put a new key before the others there, then run `isthmus key rotate` again.",
    )


@contextlib.contextmanager
def _opened(configuration: Configuration) -> Iterator[Database]:
    """The database of an installation that has been started before."""
    database = open_database(configuration)
    try:
        if upgrade.current(database) is None:
            raise Misconfigured(
                "There is no installation yet, so there are no keys.", next_step="Start it once: `isthmus serve`."
            )
        check_tables(database)
        yield database
    finally:
        database.close()


def _refuse_served(configuration: Configuration, database: Database) -> None:
    """A server that has not the new key could open nothing any more; those of other nodes are known by their duties."""
    with database.read() as tx:
        held = leases.statuses(tx)
    owners = {status.owner for status in held if status.owner and not is_dead(status.owner, configuration.node)}
    if owners:
        nodes = ", ".join(sorted({owner.partition(":")[0] for owner in owners}))
        raise Conflict(
            f"Servers work on this database (on {nodes}), and they have not the new key.",
            next_step="Stop them all. After one that died, wait half a minute.",
            nodes=nodes,
        )
