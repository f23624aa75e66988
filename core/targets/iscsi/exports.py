"""Puts attachments into tgtd and takes them out, in orders that survive a crash at any point.

Putting in: the ledger first, then target, accounts, device, and who may come last, so that a half-made target lets
nobody in and is completed by doing it again. Taking out: who may come first, then credentials, then live sessions,
then the target, then the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ...drivers.contract import Device, Export, Grant
from ...errors import Busy, Refused
from . import layout
from .device import lend
from .layout import ANYONE, LUN, Name
from .ledger import Entry, Guest, Ledger, guest_of
from .reopening import make_ready, open_again
from .server import Server
from .shown import ShownTarget

_POLL_SECONDS = 0.002
_VENDOR = {"vendor_id": "ISTHMUS", "product_id": "VOLUME"}
# Larger pieces than tgtd's own 8 KiB, and the first of them unasked: writes of 64 KiB take half the CPU time.
_SESSION = {"MaxRecvDataSegmentLength": "262144", "FirstBurstLength": "262144", "InitialR2T": "No"}


class Exports:
    """What the tgtd of `server` publishes, by `ledger`. `timeout` bounds every call, in seconds."""

    def __init__(self, server: Server, ledger: Ledger, node: str, timeout: float) -> None:
        self._server = server
        self._ledger = ledger
        self._node = layout.node_name(node)
        self._timeout = timeout
        self._seen: tuple[str, int, tuple[ShownTarget, ...]] | None = None

    def admit(self, export: Export, device: Device, grant: Grant) -> Name:
        """Have the attachment in its target and return the target's name."""
        layout.check(grant)
        scsi_id = layout.scsi_id(export.identifier)
        wanted = layout.target_name(self._node, export.placement, grant)
        guest = guest_of(grant)
        readonly = grant.mode.value == "ro"
        while True:
            with self._server.locked(self._timeout):
                self._server.ensure()
                self._server.places.repair()
                generation = self._server.generation()
                entry = self._standing(export.placement, grant.attachment, generation) or self._entry(
                    wanted, generation
                )
                former = entry.guest(grant.attachment) if entry else None
                if former is None or not (former.leaving or former.proof != guest.proof):
                    lend(device.path, self._server.account, readonly)
                    made = entry or Entry(
                        wanted,
                        self._ledger.reserve(wanted),
                        generation,
                        scsi_id,
                        str(device.path),
                        readonly,
                        device.thin,
                    )
                    if not self._complete(made, former, guest, device):
                        self._put_in(made, guest, grant.secret, device)
                    return made.name
            # Its leave was interrupted, or its secret is another one now: it leaves for good before it comes again.
            self.dismiss(entry.name if entry else wanted, grant.attachment)

    def withdraw(self, placement: str, attachment: str) -> None:
        """Have the attachment out of every target of the placement."""
        for entry in self._ledger.of_placement(placement):
            if entry.guest(attachment) is not None:
                self.dismiss(entry.name, attachment)

    def dismiss(self, name: Name, attachment: str) -> None:
        """Have the attachment and its sessions out of the target, and the target gone with its last attachment."""
        deadline = time.monotonic() + self._timeout
        while True:
            with self._server.locked(self._timeout):
                entry = self._entry(name, self._server.generation())
                guest = entry.guest(attachment) if entry else None
                if entry is None or guest is None:
                    return
                self._server.places.repair()
                entry = self._shut_out(entry, guest)
            self._end_sessions(entry, guest, deadline)
            with self._server.locked(self._timeout):
                current = self._entry(name, entry.generation)
                if current is None:
                    return
                if current.staying and not entry.staying:
                    # Another attachment came while the last one was leaving; now the target stays.
                    continue
                if current.staying:
                    self._server.tgt.delete_account(guest.user)
                    self._ledger.release(guest.user)
                    self._write(current.without(attachment))
                    return
                self._take_down(current, deadline)
                return

    def granted(self, placement: str) -> frozenset[str]:
        """The attachments of the placement that tgtd shows complete."""
        with self._server.locked(self._timeout):
            generation = self._server.generation()
            shown = {target.tid: target for target in self._shown(generation)}
            found = set()
            for entry in self._ledger.of_placement(placement):
                target = shown.get(entry.tid)
                if entry.generation != generation or target is None or target.name != str(entry.name):
                    continue
                disk = target.disk(LUN)
                if disk is not None and disk.path is not None and disk.scsi_id == entry.scsi_id:
                    found |= {guest.attachment for guest in entry.staying if guest.user in target.accounts}
            return frozenset(found)

    def reopen(self, placement: str) -> bool:
        """Have tgtd take up a device's new size; False when it publishes nothing of the placement."""
        with self._server.locked(self._timeout):
            generation = self._server.generation()
        entries = [entry for entry in self._ledger.of_placement(placement) if entry.generation == generation]
        # Not under the lock: it may take seconds, and only this placement's targets are touched.
        for entry in entries:
            self._open_again(entry, entry.path)
        return bool(entries)

    def placements(self) -> frozenset[str]:
        """The placements of which tgtd shows targets."""
        with self._server.locked(self._timeout):
            names = (layout.parse_name(target.name) for target in self._shown(self._server.generation()))
            return frozenset(name.placement for name in names if name is not None and name.node == self._node)

    def adopt(self) -> None:
        """Drop what an earlier tgtd had, and make good what a crash left halted. Under the server's lock."""
        generation = self._server.generation()
        for entry in self._ledger.all():
            if entry.generation != generation:
                self._ledger.remove(entry)
            elif entry.halted:
                make_ready(self._server.tgt, self._ledger, entry)

    def clear(self) -> None:
        """Take all targets down, as far as they let themselves within the timeout. Under the server's lock."""
        deadline = time.monotonic() + min(self._timeout, 5.0)
        generation = self._server.generation()
        for entry in self._ledger.all():
            if entry.generation == generation:
                self._close_doors(entry.tid, entry.admitted())
                self._end_all_sessions(entry, deadline)
                self._take_down(entry, deadline)
            else:
                self._ledger.remove(entry)

    def _standing(self, placement: str, attachment: str, generation: str) -> Entry | None:
        """The entry that has the attachment already, in whatever target."""
        for entry in self._ledger.of_placement(placement):
            if entry.generation == generation and entry.guest(attachment) is not None:
                return entry
        return None

    def _entry(self, name: Name, generation: str) -> Entry | None:
        """The entry of a target of this life of tgtd; what an earlier one had is gone with it."""
        entry = self._ledger.read(name)
        if entry is not None and entry.generation != generation:
            self._ledger.remove(entry)
            return None
        return entry

    def _write(self, entry: Entry) -> None:
        self._server.count_change()
        self._ledger.write(entry)

    def _shown(self, generation: str) -> tuple[ShownTarget, ...]:
        """What tgtd shows, asked again only after a change (the answer for 500 targets takes it 4 ms)."""
        if not generation:
            return ()
        self._server.places.repair()
        changes = self._server.changes()
        if self._seen is None or self._seen[:2] != (generation, changes):
            self._seen = (generation, changes, self._server.tgt.targets())
        return self._seen[2]

    def _complete(self, entry: Entry, former: Guest | None, guest: Guest, device: Device) -> bool:
        """Whether the attachment is there as wanted already, so that nothing needs to be told to tgtd."""
        if former is None or not former.settled or former.initiators != guest.initiators:
            return False
        return not entry.halted and entry.path == str(device.path) and self._server.tgt.has_lun(entry.tid, LUN)

    def _put_in(self, entry: Entry, guest: Guest, secret: str, device: Device) -> None:
        tgt = self._server.tgt
        before = entry.admitted()
        fresh = entry.guest(guest.attachment) is None
        if not self._ledger.claim(guest.user, entry.name, guest.attachment, entry.generation):
            raise Refused("Another attachment has this CHAP user name.", next_step="Give every attachment its own.")
        entry = entry.with_guest(guest)
        self._write(entry)
        if not tgt.new_target(entry.tid, str(entry.name)) and entry.halted:
            entry = make_ready(tgt, self._ledger, entry)
        if not any(other.settled for other in entry.guests):
            for name, value in _SESSION.items():
                tgt.set_parameter(entry.tid, name, value)
        entry = self._seat(entry, guest, secret, fresh)
        if tgt.new_lun(entry.tid, LUN, device.path) or entry.path == str(device.path):
            tgt.update_lun(entry.tid, LUN, self._attributes(entry))
        else:
            self._open_again(entry, str(device.path))
        self._open_doors(entry.tid, entry.admitted())
        self._close_doors(entry.tid, before - entry.admitted())
        self._write(replace(entry, path=str(device.path)).with_guest(replace(guest, settled=True)))

    def _seat(self, entry: Entry, guest: Guest, secret: str, fresh: bool) -> Entry:
        """Let the account log in. A target must never be without an account: it would let anyone in."""
        tgt, places = self._server.tgt, self._server.places
        if entry.name.shared and not entry.fillers:
            entry = replace(entry, fillers=(places.add_filler(entry.tid),))
            self._write(entry)
        created = tgt.new_account(guest.user, secret)
        if not created and fresh:
            # A crash left it; nobody else's it can be, for the name is claimed in the ledger.
            tgt.delete_account(guest.user)
            created = tgt.new_account(guest.user, secret)
        if not entry.name.shared:
            tgt.bind_account(entry.tid, guest.user)
            return entry
        if created and len(entry.fillers) > 1 and places.exchange(entry.tid, entry.fillers[0], guest.user):
            tgt.delete_account(entry.fillers[0])
            entry = replace(entry, fillers=entry.fillers[1:])
        else:
            tgt.bind_account(entry.tid, guest.user)
            entry = replace(entry, fillers=(*entry.fillers, places.add_filler(entry.tid)))
        self._write(entry)
        return entry

    def _attributes(self, entry: Entry) -> dict[str, str | int]:
        return {
            "scsi_id": entry.scsi_id,
            "scsi_sn": layout.serial(entry.name.placement),
            **_VENDOR,
            "readonly": int(entry.readonly),
            "thin_provisioning": int(entry.thin),
        }

    def _open_doors(self, tid: int, names: frozenset[str]) -> None:
        for name in sorted(names):
            if name == ANYONE:
                self._server.tgt.allow_address(tid, ANYONE)
            else:
                self._server.tgt.allow_name(tid, name)

    def _close_doors(self, tid: int, names: frozenset[str]) -> None:
        for name in sorted(names):
            if name == ANYONE:
                self._server.tgt.forbid_address(tid, ANYONE)
            else:
                self._server.tgt.forbid_name(tid, name)

    def _shut_out(self, entry: Entry, guest: Guest) -> Entry:
        """No new login of this guest from here on."""
        before = replace(entry, guests=(replace(guest, leaving=False), *entry.without(guest.attachment).guests))
        entry = entry.with_guest(replace(guest, leaving=True))
        self._write(entry)
        self._close_doors(entry.tid, before.admitted() - entry.admitted())
        if entry.staying:
            filler = self._server.places.vacate(entry.tid, guest.user)
            if filler is not None:
                entry = replace(entry, fillers=(filler, *entry.fillers))
                self._write(entry)
        return entry

    def _end_sessions(self, entry: Entry, guest: Guest | None, deadline: float) -> None:
        """Close the leaving guest's connections until its sessions are gone; all of them when nobody stays."""
        tgt = self._server.tgt
        concerns = _concerns(entry, guest)
        doomed: set[int] = set()
        quiet = 0
        while True:
            found = [connection for connection in tgt.connections(entry.tid) if concerns(connection.initiator)]
            if ANYONE in entry.admitted():
                # Whoever may have any name comes again under one that looks like the leaving guest's.
                found = [connection for connection in found if not doomed or connection.sid in doomed]
            doomed |= {connection.sid for connection in found}
            for connection in found:
                tgt.close_connection(entry.tid, connection.sid, connection.cid)
            left = doomed & tgt.sessions(entry.tid)
            # A login that was on its way when the doors were closed shows only after it has ended.
            quiet = 0 if found or left else quiet + 1
            if quiet >= (2 if doomed else 1):
                return
            if time.monotonic() >= deadline:
                raise Busy(
                    "The host's session does not end: its commands are still in the back end.",
                    next_step="It is tried again; look whether the device answers.",
                )
            time.sleep(_POLL_SECONDS)

    def _end_all_sessions(self, entry: Entry, deadline: float) -> None:
        self._end_sessions(replace(entry, guests=()), None, deadline)

    def _open_again(self, entry: Entry, path: str) -> None:
        deadline = time.monotonic() + self._timeout
        end_sessions = partial(self._end_all_sessions, deadline=deadline)
        open_again(self._server.tgt, self._ledger, entry, path, end_sessions)

    def _take_down(self, entry: Entry, deadline: float) -> None:
        tgt = self._server.tgt
        while True:
            try:
                tgt.delete_target(entry.tid)
                break
            except Busy:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_SECONDS)
        names = {guest.user for guest in entry.guests} | set(entry.fillers)
        if entry.name.shared:
            names |= {account for account in tgt.accounts() if layout.is_filler(account, entry.tid)}
        for name in sorted(names):
            tgt.delete_account(name)
        self._server.count_change()
        self._ledger.remove(entry)


def _concerns(entry: Entry, guest: Guest | None) -> Callable[[str], bool]:
    """Which initiators' sessions end when `guest` leaves.

    tgtd does not say which account a session used, so a session is known by its initiator's name alone: it stays
    if that name belongs to a guest that stays, even where the leaving one has taken it. To end that too would cost
    the other host its reservations, and its writes where it does not log in again by itself. Where a guest without
    names stays, only the names of the leaving one are certain; if that has none either, all unclaimed sessions end,
    and who stays logs in again by itself.
    """
    claimed = frozenset(name for other in entry.staying for name in other.initiators)
    if guest is not None and guest.initiators and ANYONE in entry.admitted():
        own = frozenset(guest.initiators) - claimed
        return lambda initiator: initiator in own
    return lambda initiator: initiator not in claimed
