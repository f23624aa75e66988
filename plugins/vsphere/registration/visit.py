"""A visit to a vCenter: by what it is known to be the right one, and logged in for a few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ....core.errors import Conflict, Invalid
from ..connection.certificate import served
from ..connection.endpoint import Endpoint
from ..connection.soap import About, Connection, Who, connect
from ..connection.trust import Trust, pinned, signed_by
from ..vcenters.vcenter import VCenter


@contextmanager
def logged_in(endpoint: Endpoint, enter: Callable[[Connection], Who]) -> Iterator[tuple[Connection, Who]]:
    """A session, begun by `enter`, that ends with the block."""
    connection = connect(endpoint)
    try:
        who = enter(connection)
        try:
            yield connection, who
        finally:
            connection.logout()
    finally:
        connection.close()


def demand_same(connection: Connection, vcenter: VCenter) -> About:
    """What the vCenter says of itself; raises `Conflict` when it is another one than the one that is known."""
    about = connection.about()
    if about.guid != vcenter.guid:
        raise Conflict(
            f"Another vCenter answers at {vcenter.name} ({about.guid} instead of {vcenter.guid}).",
            next_step="Unregister the former one with --forget and register the new one.",
        )
    return about


def trust_in(host: str, port: int, given: Mapping[str, Any], known: VCenter | None) -> Trust:
    """By the pin or CA that was given, else by what is known; raises `Invalid` without any, saying what is served."""
    pin, authority = str(given.get("pin", "")), str(given.get("ca", ""))
    if pin and authority:
        raise Invalid("Give a pin or a CA, not both.", field="pin")
    if pin:
        return pinned(host, port, pin)
    if authority:
        return signed_by(authority)
    if known is not None:
        return known.trust
    raise Invalid(
        f"Nothing says by what {host} is known to be the right vCenter. "
        f"It serves a certificate with the fingerprint {served(host, port).fingerprint}.",
        next_step="Compare it with what the vCenter itself shows, and give it as --pin; or give its CA as --ca.",
        field="pin",
    )
