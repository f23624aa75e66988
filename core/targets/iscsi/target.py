"""The target `iscsi`: what `core/targets/contract.py` promises, with one tgtd a node.

An attachment of its own gets a target of its own: name, CHAP account, access list. Hosts that share a volume share
a target, one for those that write and one for those that only read (read-only is a property of tgtd's disk, not of
a host); SCSI reservations hold among the hosts of one target. Every target of a placement shows the same NAA
identifier and serial number, whatever daemon or host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from ...drivers.contract import Allocated, Counters, Device, Export, Grant, Resized
from ...errors import Refused, StorageError, Transient, Unavailable
from ...model.attachment import Connection
from ..contract import TargetSetup
from .counting import count
from .exports import Exports
from .layout import LUN
from .ledger import Ledger
from .server import Server


class IscsiTarget:
    """Publishes files and block devices over iSCSI.

    tgtd runs as `TargetSetup.user` where this process is root. A device that does not belong to that account
    yet is given to it (owner, mode 0600) when it is published; the account must be able to pass through all folders
    above, or the grant is refused with the folder's name.
    """

    name: ClassVar[str] = "iscsi"
    protocol: ClassVar[str] = "iscsi"
    form: ClassVar[str] = "path"
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "port": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 65535,
                "default": None,
                "description": "TCP port. null: 3260 if it is free the first time, else a free one; 0: a free one. "
                "What was chosen is kept.",
            },
            "listen": {
                "type": "string",
                "description": "Address to listen on, by default the one at which hosts reach the node.",
            },
            "threads": {
                "type": "integer",
                "minimum": 1,
                "maximum": 64,
                "default": 4,
                "description": "I/O threads of each published volume.",
            },
            "answer_seconds": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 60,
                "default": 10,
                "description": "How long tgtd may take to answer a request before it counts as hanging.",
            },
        },
    }

    def __init__(self, setup: TargetSetup) -> None:
        self._setup = setup
        settings = setup.settings
        self._server = Server(
            setup.state,
            setup.runtime,
            address=str(settings.get("listen") or setup.address),
            port=settings.get("port"),
            threads=int(settings.get("threads", 4)),
            user=setup.user,
            timeout=min(setup.timeout, float(settings.get("answer_seconds", 10))),
        )
        self._ledger = Ledger(setup.state / "targets")
        self._exports = Exports(self._server, self._ledger, setup.node, setup.timeout)

    def start(self) -> None:
        """Start tgtd, or adopt the one that lives with everything it publishes."""
        self._server.prepare()
        with self._server.locked(self._setup.timeout):
            self._server.ensure()
            self._exports.adopt()

    def stop(self) -> None:
        """Nothing is held between calls."""

    def end(self) -> None:
        """Take all targets down, then end tgtd."""
        with self._server.locked(self._setup.timeout):
            if self._server.generation():
                self._server.prepare()
                with suppress(StorageError):
                    self._exports.clear()
            self._server.end()
            self._exports.adopt()

    def check(self) -> None:
        """Raise `Transient` when tgtd has died, does not answer, or does not listen."""
        try:
            self._server.check()
        except Unavailable as error:
            raise Transient(error.message, next_step=error.next_step) from error

    def generation(self) -> str:
        """As `Generations.generation`."""
        return self._server.generation()

    def count(self, export: Export) -> Counters | None:
        """As `Counts.count`. It counts the sessions that live now, with INQUIRY and its like among the reads."""
        return count(self._server, self._ledger, export.placement)

    def grant(self, export: Export, device: Device, grant: Grant) -> Connection:
        """As the contract says; starts tgtd again if it has died. A changed secret ends the host's sessions."""
        if device.format != "raw":
            raise Refused(f"tgtd cannot read {device.format}; it needs a raw view of the device.")
        try:
            name = self._exports.admit(export, device, grant)
        except Unavailable as error:
            raise Transient(error.message, next_step=error.next_step) from error
        return Connection(
            "iscsi",
            {
                "portals": [self._portal()],
                "iqn": str(name),
                "lun": LUN,
                "identifier": export.identifier,
                "chap_user": grant.user,
            },
            {"chap_secret": grant.secret},
        )

    def withdraw(self, export: Export, attachment: str) -> None:
        """As the contract says."""
        self._exports.withdraw(export.placement, attachment)

    def granted(self, export: Export) -> frozenset[str]:
        """As the contract says."""
        return self._exports.granted(export.placement)

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        """Grow, then have tgtd take up the size; hosts see it when they rescan, and no command of theirs fails.

        While hosts read or write without a pause their sessions are closed for that, and they log in again.
        """
        allocated = grow()
        return Resized(allocated, self._exports.reopen(export.placement))

    def inventory(self) -> Iterable[str]:
        """As the contract says."""
        return self._exports.placements()

    def _portal(self) -> str:
        address, port = self._server.portal()
        if address in ("0.0.0.0", "::"):  # noqa: S104
            address = self._setup.address.strip("[]")
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
