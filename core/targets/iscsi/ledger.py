"""What has been put into tgtd: a small file per target (PLACEMENT/HOLDER.json), written before tgtd is told.

tgtd can be asked for everything, but its answer is text for people in which a host's own words stand (a session
shows the alias that the host chose, line breaks and all), and it does not say which session used which account. So
what is done to a target goes by this ledger; what tgtd shows is only compared with it.

An entry is of one life of tgtd: its memory and the entry end together.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...drivers.contract import Grant
from .layout import ANYONE, LARGEST_TID, Name, parse_name


@dataclass(frozen=True, slots=True)
class Guest:
    """An attachment of a target; no `initiators` means any. `proof` tells a changed secret without holding it.

    `settled` is set once tgtd has taken everything, `leaving` before the first of it is taken back.
    """

    attachment: str
    user: str
    initiators: tuple[str, ...]
    proof: str
    settled: bool = False
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A target as it was put, or is being put, into the tgtd of that generation.

    `halted` is set while the target turns logins away for a moment, so that a crash then is made good.
    """

    name: Name
    tid: int
    generation: str
    scsi_id: str
    path: str
    readonly: bool
    thin: bool
    guests: tuple[Guest, ...] = ()
    fillers: tuple[str, ...] = ()
    halted: bool = False

    def guest(self, attachment: str) -> Guest | None:
        """The attachment's part in this target; None when it has none."""
        return next((guest for guest in self.guests if guest.attachment == attachment), None)

    def with_guest(self, guest: Guest) -> Entry:
        """With this guest added, or put in the place of the former one of the same attachment."""
        return replace(self, guests=(*self.without(guest.attachment).guests, guest))

    def without(self, attachment: str) -> Entry:
        """Without the attachment's guest."""
        return replace(self, guests=tuple(guest for guest in self.guests if guest.attachment != attachment))

    @property
    def staying(self) -> tuple[Guest, ...]:
        """The guests that are not about to leave."""
        return tuple(guest for guest in self.guests if not guest.leaving)

    def admitted(self) -> frozenset[str]:
        """What tgtd's access list must hold for those that stay: initiator names, and `ALL` where one may have any."""
        names = {name for guest in self.staying for name in guest.initiators}
        return frozenset(names | {ANYONE} if any(not guest.initiators for guest in self.staying) else names)


def guest_of(grant: Grant) -> Guest:
    """What the ledger keeps of a grant."""
    proof = hashlib.sha256(f"{grant.user}\0{grant.secret}".encode()).hexdigest()
    return Guest(grant.attachment, grant.user, tuple(sorted(set(grant.initiators))), proof)


class Ledger:
    """The entries of one tgtd, in `folder` (mode 0700). Callers hold the tgtd's lock while they change one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: Name) -> Entry | None:
        """The entry of a target; None when there is none."""
        return _load(self._path(name))

    def of_placement(self, placement: str) -> tuple[Entry, ...]:
        """All entries of a placement."""
        return tuple(self._matching(f"{placement}/*.json"))

    def all(self) -> tuple[Entry, ...]:
        """All entries."""
        return tuple(self._matching("*/*.json"))

    def write(self, entry: Entry) -> None:
        """Keep the entry, in place of the former one of that name."""
        path = self._path(entry.name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(entry), file)
        fresh.replace(path)

    def remove(self, entry: Entry) -> None:
        """Forget a target and free its number; absent is success."""
        path = self._path(entry.name)
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()
        self._number(entry.tid).unlink(missing_ok=True)
        for guest in entry.guests:
            self.release(guest.user)

    def claim(self, user: str, name: Name, attachment: str, generation: str) -> bool:
        """Keep a CHAP user name for an attachment; False when another attachment has it in this life of tgtd."""
        link, wanted = self._user(user), f"{name} {attachment}"
        link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            try:
                link.symlink_to(wanted)
                return True
            except FileExistsError:
                claimed = str(link.readlink())
            if claimed == wanted:
                return True
            holder, _, other = claimed.rpartition(" ")
            named = parse_name(holder)
            entry = self.read(named) if named else None
            guest = entry.guest(other) if entry and entry.generation == generation else None
            if guest is not None and guest.user == user:
                return False
            link.unlink()

    def release(self, user: str) -> None:
        """Give up a CHAP user name; absent is success."""
        self._user(user).unlink(missing_ok=True)

    def reserve(self, name: Name) -> int:
        """A number for a target in tgtd that no other target has: the one made from its name or one after it."""
        tid = name.tid
        self._number(tid).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            try:
                self._number(tid).symlink_to(str(name))
                return tid
            except FileExistsError:
                if str(self._number(tid).readlink()) == str(name):
                    return tid
            tid = tid % LARGEST_TID + 1

    def _user(self, user: str) -> Path:
        return self._folder / "users" / hashlib.sha256(user.encode()).hexdigest()[:32]

    def _number(self, tid: int) -> Path:
        return self._folder / "numbers" / str(tid)

    def _matching(self, pattern: str) -> Iterator[Entry]:
        for path in sorted(self._folder.glob(pattern)):
            entry = _load(path)
            if entry is not None:
                yield entry

    def _path(self, name: Name) -> Path:
        return self._folder / name.placement / f"{name.holder}.json"


def _load(path: Path) -> Entry | None:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        guests = tuple(Guest(**{**guest, "initiators": tuple(guest["initiators"])}) for guest in document["guests"])
        return Entry(
            **{**document, "name": Name(**document["name"]), "guests": guests, "fillers": tuple(document["fillers"])}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
