"""What tgtd shows, as nouns.

tgtd prints for people: indented lines of `Key: value`. A name may hold anything but a line break, so a line is
known by its depth and by the section it stands in, never by a search through the whole text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TARGET = re.compile(r"Target (\d+): (.*)")
_PORTAL = re.compile(r"Portal: \[?([^\]]*?)\]?:(\d+),\d+")
_COUNTED = 12
_SECTIONS = {
    "System information:": "system",
    "I_T nexus information:": "nexus",
    "LUN information:": "lun",
    "Account information:": "account",
    "ACL information:": "acl",
}


@dataclass(frozen=True, slots=True)
class ShownLun:
    """A logical unit; `megabytes` is its size as tgtd rounds it, `path` None where it has no device."""

    lun: int
    kind: str = ""
    scsi_id: str = ""
    serial: str = ""
    megabytes: int = 0
    online: bool = False
    readonly: bool = False
    thin: bool = False
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ShownTarget:
    """A target; `accounts` are in the order of their places, `acl` holds addresses and initiator names alike.

    `initiators` are the names of those logged in, one a session.
    """

    tid: int
    name: str
    state: str = ""
    luns: tuple[ShownLun, ...] = ()
    accounts: tuple[str, ...] = ()
    acl: tuple[str, ...] = ()
    initiators: tuple[str, ...] = ()

    def disk(self, lun: int) -> ShownLun | None:
        """The logical unit of that number; None when there is none."""
        return next((unit for unit in self.luns if unit.lun == lun), None)


@dataclass(frozen=True, slots=True)
class ShownConnection:
    """A live connection of a session."""

    sid: int
    cid: int
    initiator: str
    address: str


@dataclass(frozen=True, slots=True)
class ShownCount:
    """What one session has done with one logical unit: commands that ended, and their bytes.

    tgtd counts every command by the way its data goes: INQUIRY and its like count as reads, UNMAP as a write of its
    list of blocks, and what has no data (a flush) not at all. Tried with tgt 1.0.85.
    """

    sid: int
    lun: int
    read_bytes: int
    read_commands: int
    written_bytes: int
    written_commands: int


@dataclass(slots=True)
class _Draft:
    tid: int
    name: str
    state: str = ""
    units: list[dict[str, str]] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    acl: list[str] = field(default_factory=list)
    initiators: list[str] = field(default_factory=list)

    def finished(self) -> ShownTarget:
        return ShownTarget(
            self.tid,
            self.name,
            self.state,
            tuple(_lun(unit) for unit in self.units),
            tuple(self.accounts),
            tuple(self.acl),
            tuple(self.initiators),
        )


def targets(text: str) -> tuple[ShownTarget, ...]:
    """The answer to "show all targets"."""
    found: list[ShownTarget] = []
    draft: _Draft | None = None
    section = ""
    for line in text.splitlines():
        content = line.lstrip(" ")
        depth = (len(line) - len(content)) // 4
        if depth == 0:
            heading = _TARGET.fullmatch(line)
            if heading:
                if draft:
                    found.append(draft.finished())
                draft, section = _Draft(int(heading[1]), heading[2]), ""
        elif draft is None:
            continue
        elif depth == 1:
            section = _SECTIONS.get(content, "")
        elif section == "account":
            draft.accounts.append(content)
        elif section == "acl":
            draft.acl.append(content)
        else:
            _detail(draft, section, depth, content)
    if draft:
        found.append(draft.finished())
    return tuple(found)


def connections(text: str) -> tuple[ShownConnection, ...]:
    """The answer to "show the connections of a target"."""
    found: list[ShownConnection] = []
    sid = cid = 0
    initiator = ""
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        match key:
            case "Session":
                sid = int(value)
            case "Connection":
                cid = int(value)
            case "Initiator":
                initiator = value
            case "IP Address" | "RDMA IP Address":
                found.append(ShownConnection(sid, cid, initiator, value))
    return tuple(found)


def counts(text: str) -> tuple[ShownCount, ...]:
    """The answer to "statistics of a target": a line for each session and unit, of target, unit, session, then bytes
    and commands that were read (begun, ended) and written (begun, ended), and errors."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == _COUNTED and all(word.isdigit() for word in words):
            _, lun, sid, _, _, read, reads, _, _, written, writes, _ = map(int, words)
            found.append(ShownCount(sid, lun, read, reads, written, writes))
    return tuple(found)


def sessions(text: str) -> frozenset[int]:
    """The session ids in the answer to "statistics of a target"."""
    return frozenset(count.sid for count in counts(text))


def portals(text: str) -> tuple[tuple[str, int], ...]:
    """The answer to "show the portals": addresses without brackets, and ports."""
    return tuple((address, int(port)) for address, port in _PORTAL.findall(text))


def _detail(draft: _Draft, section: str, depth: int, content: str) -> None:
    key, _, value = content.partition(": ")
    if section == "system" and key == "State":
        draft.state = value
    elif section == "nexus" and depth == 3 and key == "Initiator":
        draft.initiators.append(value.partition(" alias: ")[0])
    elif section == "lun" and depth == 2 and key == "LUN":
        draft.units.append({"LUN": value})
    elif section == "lun" and depth == 3 and draft.units:
        draft.units[-1][key.rstrip(":")] = value


def _lun(unit: dict[str, str]) -> ShownLun:
    size = unit.get("Size", "").split(" ", 1)[0]
    path = unit.get("Backing store path", "None")
    return ShownLun(
        lun=int(unit["LUN"]),
        kind=unit.get("Type", ""),
        scsi_id=unit.get("SCSI ID", ""),
        serial=unit.get("SCSI SN", ""),
        megabytes=int(size) if size.isdigit() else 0,
        online=unit.get("Online") == "Yes",
        readonly=unit.get("Readonly") == "Yes",
        thin=unit.get("Thin-provisioning") == "Yes",
        path=None if path == "None" else path,
    )
