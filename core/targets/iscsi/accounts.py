"""Changing the accounts of a target that hosts are using.

tgtd 1.0.85 (and 1.0.97) keeps a target's accounts in numbered places and looks only at as many places as there are
accounts. Taking one out of the middle leaves a hole: the last account is no longer seen, so its host cannot log in
again, and the next "show all targets" meets the hole and crashes tgtd.

So a target that several hosts share always has a filler in its last place, and an account leaves by being
exchanged for a filler: for the moment of the exchange only the last filler is out of sight. A mark on disk tells
whoever comes after a crash in that moment to fill the hole before anything else is asked.
"""

from __future__ import annotations

from pathlib import Path

from .layout import new_filler, unusable_password
from .tgt import Code, Tgt, TgtRefusal


class Places:
    """The places of one tgtd's targets; callers hold the tgtd's lock. `mark` is the file that tells of a hole."""

    def __init__(self, tgt: Tgt, mark: Path) -> None:
        self._tgt = tgt
        self._mark = mark

    def repair(self) -> None:
        """Fill the hole that a crash left, if one did. Must come before "show all targets"."""
        try:
            text = self._mark.read_text()
        except FileNotFoundError:
            return
        if text.isdigit():
            # Where there is no hole this adds a place at the end, which does no harm.
            self.add_filler(int(text))
        self._mark.unlink()

    def add_filler(self, tid: int) -> str:
        """Bind a new filler in the first free place of the target and return its name."""
        filler = new_filler(tid)
        self._tgt.new_account(filler, unusable_password())
        try:
            self._tgt.bind_account(tid, filler)
        except TgtRefusal as refusal:
            if refusal.number != Code.NO_TARGET:
                raise
        return filler

    def exchange(self, tid: int, leaving: str, coming: str) -> bool:
        """Bind the account `coming`, bound nowhere yet, in the place of `leaving`; False when that had no place."""
        self._mark.write_text(str(tid))
        held = self._tgt.unbind_account(tid, leaving)
        if held:
            self._tgt.bind_account(tid, coming)
        self._mark.unlink()
        return held

    def vacate(self, tid: int, leaving: str) -> str | None:
        """Take an account out of a target that others use; the filler in its place, None when it had no place."""
        filler = new_filler(tid)
        self._tgt.new_account(filler, unusable_password())
        if self.exchange(tid, leaving, filler):
            return filler
        self._tgt.delete_account(filler)
        return None
