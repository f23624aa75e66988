"""Which service this is, wherever it is met: on every node, after every restart (DSP0266, USN format)."""

from __future__ import annotations

from uuid import uuid4

from ...core.errors import Conflict
from ...core.model.record import Record, Records

_KIND = "settings"
_ID = "identity"


class Identity:
    """The UUID of the installation as a Redfish service; made when it is asked for the first time, and kept."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._uuid: str | None = None

    @property
    def uuid(self) -> str:
        """The UUID, in lower case. Idempotent; safe on several servers at once."""
        if self._uuid is None:
            self._uuid = self._kept() or self._made()
        return self._uuid

    def _kept(self) -> str | None:
        record = self._records.get(_KIND, _ID)
        return None if record is None else str(record.body["uuid"])

    def _made(self) -> str:
        made = str(uuid4())
        try:
            self._records.put(Record(_KIND, _ID, {"uuid": made}))
        except Conflict:  # another server was faster
            return self._kept() or made
        return made
