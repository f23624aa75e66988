"""How placements and attachments are named in tgtd, so that everything can be read back from tgtd alone.

A target's name holds the placement and who it is for: one attachment, or all writing (`shared`) or all reading
(`shared-ro`) hosts of a volume that several may use. Its number in tgtd is made from the name: numbers counted up
from 1 would give two daemons the same ones, and a login begun before a target was deleted could end in another's.

A *filler* is an account that nobody can log in with, since its password is random and kept nowhere; it takes up a
place among a target's accounts (see `accounts`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from ...drivers.contract import Grant
from ...errors import Refused
from ...model.attachment import AccessMode

LUN = 1
LARGEST_TID = 0x7FFFFFFF
NAMING_AUTHORITY = "iqn.2026-01.dev.isthmus"
ANYONE = "ALL"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_IDENTIFIER = re.compile(r"naa\.(6[0-9a-f]{31})\Z")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}\Z")
_SECRET = re.compile(r"[!-+\--<>-~]{12,255}\Z")
_INITIATOR = re.compile(r"(iqn|eui|naa)\.[^\s,=/]{1,219}\Z")
_FILLER = "isthmus.filler"


@dataclass(frozen=True, slots=True)
class Name:
    """A target's name taken apart: `holder` is an attachment's id, `shared` or `shared-ro`."""

    node: str
    placement: str
    holder: str

    @property
    def shared(self) -> bool:
        """Whether several attachments use the target."""
        return self.holder in ("shared", "shared-ro")

    def __str__(self) -> str:
        return f"{NAMING_AUTHORITY}:{self.node}:{self.placement}.{self.holder}"

    @property
    def tid(self) -> int:
        """The number to try first for the target in tgtd; the next ones follow when it is taken by another."""
        digest = hashlib.sha256(str(self).encode()).digest()
        return int.from_bytes(digest[:4], "big") % LARGEST_TID + 1


def node_name(node: str) -> str:
    """The node's part of target names: lower case, with only the characters that an iSCSI name may have."""
    return re.sub(r"[^a-z0-9-]+", "-", node.lower()).strip("-") or "node"


def target_name(node: str, placement: str, grant: Grant) -> Name:
    """The target that `grant` belongs to. Raises `Refused` for ids that cannot stand in an iSCSI name."""
    for given in (placement, grant.attachment):
        if not _ID.match(given):
            raise Refused(f"{given!r} cannot be part of an iSCSI name.")
    holder = grant.attachment
    if grant.shared:
        holder = "shared-ro" if grant.mode is AccessMode.READ_ONLY else "shared"
    return Name(node, placement, holder)


def parse_name(text: str) -> Name | None:
    """The opposite of `str(name)`; None for a target that is not ours."""
    authority, _, rest = text.partition(":")
    node, _, what = rest.partition(":")
    placement, dot, holder = what.partition(".")
    if authority != NAMING_AUTHORITY or not (node and placement and dot and holder):
        return None
    return Name(node, placement, holder)


def new_filler(tid: int) -> str:
    """A name for an account that only takes up a place in the target `tid`."""
    return f"{_FILLER}/{tid}/{secrets.token_hex(6)}"


def is_filler(account: str, tid: int) -> bool:
    """Whether the account only takes up a place in the target `tid`."""
    return account.startswith(f"{_FILLER}/{tid}/")


def unusable_password() -> str:
    """A password that is kept nowhere."""
    return secrets.token_hex(24)


def scsi_id(identifier: str) -> str:
    """tgtd's `scsi_id` for a wire identifier: the 32 digits of a NAA type 6 name, which page 0x83 then shows."""
    found = _IDENTIFIER.match(identifier.lower())
    if found is None:
        raise Refused(f"{identifier!r} is no identifier for a disk: naa. and 32 hexadecimal digits, the first a 6.")
    return found[1]


def serial(placement: str) -> str:
    """The unit serial number (page 0x80) of a placement, at most 36 characters."""
    return placement[:36]


def check(grant: Grant) -> None:
    """Refuse credentials and initiators that tgtd or a host's initiator cannot take."""
    if not _USER.match(grant.user) or grant.user.startswith("isthmus."):
        raise Refused("The CHAP user name must be 1 to 200 letters, digits or . _ : @ - and not begin with 'isthmus.'.")
    if not _SECRET.match(grant.secret):
        raise Refused(
            "The CHAP secret must have 12 to 255 printable characters without blank, comma or equals sign.",
            next_step="16 letters and digits suit every initiator (Windows takes 12 to 16).",
        )
    for initiator in grant.initiators:
        if not _INITIATOR.match(initiator):
            raise Refused(f"{initiator!r} is no iSCSI initiator name (iqn., eui. or naa.).")
