"""The vCenters as records: one each, by GUID; no two with the same address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from ....core.errors import Conflict, NotFound
from ....core.model.identity import now
from ....core.model.record import Record, Records
from .vcenter import VCenter

KIND = "vcenter"
_REFUSED = "refused-login"
_PIECE = 500


class VCenters:
    """Adds, finds, changes and forgets vCenters. Every call is a transaction of its own."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, guid: str) -> VCenter:
        """Raises `NotFound`."""
        record = self._records.get(KIND, guid)
        if record is None:
            raise NotFound(
                f"Isthmus is not registered with a vCenter {guid}.",
                next_step="Register it: isthmus vsphere register --vcenter ADDRESS",
            )
        return _vcenter(record)

    def find(self, name: str) -> VCenter | None:
        """By GUID or by address (`host` or `host:port`); None when it is not known."""
        record = self._records.get(KIND, name) or self._records.find_by_key(KIND, name.lower())
        return None if record is None else _vcenter(record)

    def all(self) -> Iterator[VCenter]:
        """In the order of their GUIDs."""
        after: str | None = None
        while records := self._records.list(KIND, after=after, limit=_PIECE):
            yield from map(_vcenter, records)
            after = records[-1].id

    def put(self, vcenter: VCenter, *, password: str | None = None) -> VCenter:
        """Keep it: new (version 0), or in the place of the one that was read. A password that is None stays.

        Raises `Stale` when somebody was faster, `Conflict` when another vCenter has its address, or when it is new
        and known already.
        """
        before = self._records.get(KIND, vcenter.guid) if vcenter.version else None
        sealed = before.sealed if before is not None else None
        if password is not None:
            sealed = self._records.seal(password.encode())
        record = Record(
            KIND,
            vcenter.guid,
            vcenter.to_json(),
            tenant=vcenter.tenant,
            key=vcenter.name.lower(),
            sealed=sealed,
            version=vcenter.version,
        )
        try:
            stored = self._records.replace(record) if vcenter.version else self._records.put(record)
        except Conflict:
            self.demand_free(vcenter)
            raise
        return replace(vcenter, version=stored.version)

    def demand_free(self, vcenter: VCenter) -> None:
        """Raise `Conflict` when another vCenter has its address."""
        other = self._records.find_by_key(KIND, vcenter.name.lower())
        if other is not None and other.id != vcenter.guid:
            raise Conflict(
                f"The address {vcenter.name} belongs to another vCenter ({other.id}).",
                next_step="If that one is gone, run `isthmus vsphere unregister` for it with --forget.",
            )

    def password(self, guid: str) -> str:
        """The service account's; empty when there is none."""
        record = self._records.get(KIND, guid)
        return "" if record is None or record.sealed is None else self._records.open(record.sealed).decode()

    def forget(self, guid: str, *, version: int | None = None) -> bool:
        """Remove what is known of it; returns whether there was anything. Raises `Stale` when it is not known at this
        version any more."""
        forgotten = self._records.delete(KIND, guid, version=version)
        self.forgive(guid)
        return forgotten

    def refuse(self, vcenter: VCenter, time: timedelta) -> None:
        """Remember for a time that the vCenter refused the service account, as the vCenter is known now."""
        self.forgive(vcenter.guid)
        # Somebody else may just have been refused too.
        with suppress(Conflict):
            body = {"version": vcenter.version}
            self._records.put(Record(_REFUSED, vcenter.guid, body, expires_at=now() + time))

    def refused(self, vcenter: VCenter) -> bool:
        """Whether it is remembered that the vCenter, known as it is here, refused the service account."""
        record = self._records.get(_REFUSED, vcenter.guid)
        return record is not None and record.body["version"] == vcenter.version

    def forgive(self, guid: str) -> None:
        """The service account may be tried there at once."""
        self._records.delete(_REFUSED, guid)


def _vcenter(record: Record) -> VCenter:
    return VCenter.from_json(record.id, str(record.tenant), record.version, record.body)
