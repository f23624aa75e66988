"""A disk as one host sees it: its identity, its paths, and the commands that go over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .adapter import DEVICE, Target
from .libiscsi import CommandFailed, NoAnswer, Session
from .partitions import SECTOR

DISK_TYPE = 0
# Most bytes of one command.
_ONCE = 256 * 1024
# Most bytes of one UNMAP.
_UNMAPPED = 256 << 20
ACTIVE, DEAD, DISABLED = "active", "dead", "disabled"
# Why a disk cannot be reached: all paths down, or the array says that it is no more.
APD, PDL = "APD", "PDL"


class Lost(OSError):
    """A disk cannot be reached. `why`: APD or PDL."""

    def __init__(self, why: str, words: str) -> None:
        super().__init__(words)
        self.why = why


@dataclass(slots=True)
class Path:
    """One way to a disk. `number` of the target on this adapter."""

    target: Target
    number: int
    lun: int
    session: Session | None
    state: str = ACTIVE

    @property
    def name(self) -> str:
        """As esxcli calls it at run time."""
        return f"{DEVICE}:C0:T{self.number}:L{self.lun}"

    @property
    def key(self) -> str:
        """Unique on the host, and the same after a rescan."""
        return f"{DEVICE}-{self.target.name}-{self.target.portal.text}-{self.lun}"


@dataclass(slots=True)
class Disk:
    """`name` is the canonical one (`naa.…`). `size` and `block` in bytes, as READ CAPACITY said."""

    name: str
    size: int
    block: int
    vendor: str
    model: str
    revision: str
    serial: str
    inquiry: bytes
    page: bytes
    thin: bool
    paths: list[Path] = field(default_factory=list)
    detached: bool = False
    lost: str | None = None
    # What a test says of it, whatever the target says.
    played: str | None = None
    # How many more writes go well; None: all.
    writes: int | None = None
    policy: str = "VMW_PSP_RR"
    label: str = ""

    @property
    def uuid(self) -> str:
        """What ESXi calls the LUN by: from the name."""
        return f"0200000000{self.name.partition('.')[2]}{self.model.encode().hex()[:12]}"

    @property
    def key(self) -> str:
        """Of the ScsiLun."""
        return f"key-vim.host.ScsiDisk-{self.uuid}"

    @property
    def lun(self) -> int:
        """Its number on the first path."""
        return self.paths[0].lun if self.paths else 0

    @property
    def device_path(self) -> str:
        """The file that stands for it on the host."""
        return f"/vmfs/devices/disks/{self.name}"

    @property
    def usable(self) -> bool:
        """Whether it can be read and written as far as the host knows."""
        return not self.detached and self.lost is None

    def lose(self, why: str) -> None:
        """No path leads to it any more."""
        self.lost = why
        for each in self.paths:
            each.state = DEAD

    def read(self, offset: int, length: int) -> bytes:
        """Whole blocks. `Lost`, or another OSError with the device's words."""
        parts = []
        while length:
            once = min(length, _ONCE)
            parts.append(self._over_a_path("read", offset, once, self.block))
            offset, length = offset + once, length - once
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """Whole blocks; on the device when this returns."""
        if self.writes is not None:
            if not self.writes:
                raise OSError(f"{self.name}: the write failed, as was wanted")
            self.writes -= 1
        for at in range(0, len(data), _ONCE):
            self._over_a_path("write", offset + at, data[at : at + _ONCE], self.block)
        self._over_a_path("flush")

    def unmap(self, offset: int, length: int) -> None:
        """Give whole blocks back to the array."""
        for at in range(offset, offset + length, _UNMAPPED):
            blocks = min(_UNMAPPED, offset + length - at) // self.block
            self._over_a_path("unmap", at // self.block, blocks)

    def measure(self) -> int:
        """READ CAPACITY now; bytes. What the host knows is left as it is."""
        blocks, block = self._over_a_path("capacity")
        return int(blocks * block)

    def _over_a_path(self, command: str, *arguments: Any) -> Any:
        if self.detached:
            raise OSError(f"{self.name} is detached")
        why, words = self.lost or APD, "all paths are down"
        for path in [] if self.lost else [each for each in self.paths if each.state == ACTIVE]:
            assert path.session is not None
            try:
                return getattr(path.session, command)(path.lun, *arguments)
            except CommandFailed as error:
                if "LOGICAL_UNIT_NOT_SUPPORTED" not in str(error):
                    raise
                path.state, why, words = DEAD, PDL, str(error)
            except NoAnswer as error:
                path.state, why, words = DEAD, APD, str(error)
        if not any(each.state == ACTIVE for each in self.paths):
            self.lose(why)
        raise Lost(why, f"{self.name}: {words}")


def identified(session: Session, lun: int) -> Disk | None:
    """The disk behind a LUN; None for what is none (a controller, or a number without a unit)."""
    standard = session.inquiry(lun)
    if standard[0] != DISK_TYPE:
        return None
    page = session.inquiry(lun, 0x83)
    blocks, block = session.capacity(lun)
    serial = session.inquiry(lun, 0x80)
    return Disk(
        name=canonical_name(page) or f"mpx.{DEVICE}:C0:T0:L{lun}",
        size=blocks * block,
        block=block or SECTOR,
        vendor=_text(standard[8:16]),
        model=_text(standard[16:32]),
        revision=_text(standard[32:36]),
        serial=_text(serial[4 : 4 + serial[3]]),
        inquiry=standard[:36],
        page=page[: 4 + int.from_bytes(page[2:4], "big")],
        thin=_thin(session, lun),
    )


def canonical_name(page: bytes) -> str | None:
    """`naa.…` or `t10.…` from page 0x83: the best designator of the unit itself, as ESXi chooses."""
    at, end, best = 4, 4 + int.from_bytes(page[2:4], "big"), (0, "")
    while at + 4 <= min(end, len(page)):
        association, kind, length = page[at + 1] >> 4 & 3, page[at + 1] & 0x0F, page[at + 3]
        value = page[at + 4 : at + 4 + length]
        at += 4 + length
        if association != 0 or not value:
            continue
        if kind == 3:
            best = max(best, (30 + (value[0] >> 4 == 6), f"naa.{value.hex()}"))
        elif kind == 2:
            best = max(best, (20, f"eui.{value.hex()}"))
        elif kind == 1:
            best = max(best, (10, f"t10.{_text(value).replace(' ', '_')}"))
    return best[1] or None


def _thin(session: Session, lun: int) -> bool:
    try:
        return bool(session.inquiry(lun, 0xB2)[5] & 0x80)
    except CommandFailed:
        return False


def _text(raw: bytes) -> str:
    return raw.decode("ascii", errors="replace").strip(" \0")
