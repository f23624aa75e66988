"""Takes the plug-in out of a vCenter, and the vCenter out of what is known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ....core.errors import IsthmusError, NotFound, Stale
from ....core.model.operation import Operation
from ..connection.endpoint import Endpoint, split
from ..connection.soap import Connection
from ..events.alarms import Alarms
from ..vcenters.vcenter import VCenter
from . import extension
from .registrar import ATTEMPTS, Registrar, busy
from .request import Login
from .under_way import told
from .visit import demand_same, logged_in, trust_in


def unregister(registrar: Registrar, given: Mapping[str, Any]) -> dict[str, Any]:
    """Take the plug-in out of a vCenter and forget the vCenter here. Works with what is left: with our record and
    without the password of our account, or with a password and a pin and without any record.

    What is in the way is raised, unless the vCenter is to be forgotten all the same (`forget`): what the vCenter
    refuses, and `Occupied` while operations there have not ended, since these need it to be finished or taken back.
    Sessions of those who began something there are ended in any case.
    """
    name, known = _named(registrar, given)
    removed, trouble = False, ""
    for _ in range(ATTEMPTS):
        left = _unended(registrar, known, given)
        try:
            with _session(registrar, name, known, given) as connection:
                removed = _removed(registrar, connection) or removed
        except IsthmusError as error:
            if not given.get("forget"):
                raise
            trouble = error.message
        if known is None or _forgotten(registrar, known, whatever=bool(trouble)):
            answer = {"vcenter": name, "unregistered": removed, "forgotten": known is not None}
            return answer | _left(left, trouble)
        # Who wrote meanwhile may have registered it there again.
        known = registrar.vcenters.find(known.guid) or known
    raise busy(name)


def planned(registrar: Registrar, given: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the plug-in is registered there (None where nobody can say) and the vCenter is known here, and what would
    be left. Raises as `unregister` does; changes nothing."""
    name, known = _named(registrar, given)
    left, registered, trouble = _unended(registrar, known, given), None, ""
    try:
        with _session(registrar, name, known, given) as connection:
            registered = extension.find(connection) is not None
    except IsthmusError as error:
        if not given.get("forget"):
            raise
        trouble = error.message
    return {"vcenter": name, "registered": registered, "known": known is not None} | _left(left, trouble)


def _named(registrar: Registrar, given: Mapping[str, Any]) -> tuple[str, VCenter | None]:
    """The vCenter that is meant, with what is known of it; a line to it that was given up is tried."""
    name = str(given["vcenter"]).strip()
    known = registrar.find(name)
    if known is None and "-" in name and "." not in name:
        raise NotFound(f"No vCenter {name} is known.", next_step="Give its address instead of its GUID.")
    if known is not None:
        registrar.reaches.refresh(known.guid)
    return name, known


def _unended(registrar: Registrar, known: VCenter | None, given: Mapping[str, Any]) -> list[Operation]:
    """The operations there that would be left half done; raises `Occupied` where that is not wanted."""
    if known is None:
        return []
    if not given.get("forget"):
        registrar.under_way.demand_none(known)
        return []
    return registrar.under_way.operations(known)


def _left(unended: list[Operation], trouble: str) -> dict[str, Any]:
    found: dict[str, Any] = {"unended": [told(each) for each in unended]} if unended else {}
    return {**found, "left_behind": trouble} if trouble else found


def _forgotten(registrar: Registrar, vcenter: VCenter, *, whatever: bool) -> bool:
    """Whether it is now: not when it was written meanwhile, unless that is to be lost."""
    try:
        registrar.vcenters.forget(vcenter.guid, version=None if whatever else vcenter.version)
    except Stale:
        return False
    registrar.forgotten(vcenter.guid)
    registrar.under_way.end_sessions(vcenter, reachable=not whatever)
    return True


@contextmanager
def _session(registrar: Registrar, name: str, known: VCenter | None, given: Mapping[str, Any]) -> Iterator[Connection]:
    if known is not None:
        trust = known.trust
        if given.get("pin") or given.get("ca"):
            trust = trust_in(known.host, known.port, given, known)
        with registrar.session(replace(known, trust=trust), Login.of(given)) as (connection, _):
            demand_same(connection, known)
            yield connection
        return
    host, port = split(name)
    login = Login.of(given)
    if not login.user:
        raise NotFound(
            f"No vCenter {name} is known, so there is no account to use.",
            next_step="Give --user, and --pin or --ca.",
        )
    with logged_in(Endpoint(host, port, trust_in(host, port, given, None)), login.enter) as (connection, _):
        yield connection


def _removed(registrar: Registrar, connection: Connection) -> bool:
    # Alarms first: what the extension's types of events mean is known as long as it is there.
    Alarms(connection, registrar.offer.texts).remove()
    return extension.remove(connection)
