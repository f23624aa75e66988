"""Speaks to tgtd over its control socket.

tgtd has no library and its command line would show CHAP secrets to everyone on the machine, so this speaks what
tgtadm speaks: one packed request of 120 bytes and a text of `key=value,…` per connection, then a header of two
numbers (error, length) and a text. Seen on the wire and in the behaviour of tgt 1.0.85.

tgtd does one request after the other. It takes a request only from a peer with its own user and group.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path

from ...datapath.account import Account
from ...datapath.impersonate import acting_as
from ...errors import Busy, Failed, Refused, Transient
from .shown import ShownConnection, ShownCount, ShownTarget, connections, counts, portals, sessions, targets

_REQUEST = struct.Struct("=II64sIiQQIIIIII")
_ANSWER = struct.Struct("=II")
_DISK = 0
_ALL = -1
# tgtd cuts its input at commas and takes what follows the first "key=" it finds.
_VALUE = re.compile(r"[^\s,=]+\Z")


class Mode(IntEnum):
    SYSTEM = 0
    TARGET = 1
    DEVICE = 2
    PORTAL = 3
    DRIVER = 4
    SESSION = 5
    CONNECTION = 6
    ACCOUNT = 7


class Verb(IntEnum):
    NEW = 0
    DELETE = 1
    SHOW = 2
    BIND = 3
    UNBIND = 4
    UPDATE = 5
    STATS = 6


class Code(IntEnum):
    """tgtd's errors that callers act on."""

    SUCCESS = 0
    NO_TARGET = 4
    NO_LUN = 5
    NO_SESSION = 6
    NO_CONNECTION = 7
    TARGET_EXISTS = 9
    LUN_EXISTS = 10
    ACL_EXISTS = 12
    NO_ACL = 13
    USER_EXISTS = 14
    NO_USER = 15
    TARGET_ACTIVE = 19
    LUN_ACTIVE = 20
    PREVENT_REMOVAL = 24


_MEANINGS = {
    1: "unknown error",
    2: "out of memory",
    3: "no such driver",
    4: "no such target",
    5: "no such logical unit",
    6: "no such session",
    7: "no such connection",
    9: "the target exists",
    10: "the logical unit exists",
    12: "the access entry exists",
    13: "no such access entry",
    14: "the account exists",
    15: "no such account",
    16: "too many accounts",
    17: "invalid request",
    19: "the target is in use",
    20: "the logical unit has commands in flight",
    22: "unsupported operation",
    23: "unknown parameter",
    24: "a host prevents removal",
}


class TgtRefusal(Failed):
    """tgtd answered with an error; `number` is its code. Carries no text of the request."""

    code = "tgt_refusal"

    def __init__(self, doing: str, number: int) -> None:
        super().__init__(f"tgtd could not {doing}: {_MEANINGS.get(number, f'error {number}')}.", tgt=number)
        self.number = number


class TgtGone(Transient):
    """tgtd does not answer: it is not there, it ended while we spoke, or it hangs."""

    code = "tgt_gone"


def pack(
    mode: Mode,
    verb: Verb,
    *,
    tid: int = 0,
    sid: int = 0,
    lun: int = 0,
    cid: int = 0,
    force: bool = False,
    text: str = "",
) -> bytes:
    """A request as tgtd reads it; the text is ended with a zero byte and counted in the length."""
    body = text.encode() + b"\0" if text else b""
    length = _REQUEST.size + len(body)
    return _REQUEST.pack(mode, verb, b"iscsi", length, tid, sid, lun, cid, 0, _DISK, 0, 0, int(force)) + body


def unpack(answer: bytes) -> tuple[int, str]:
    """Error number and text of an answer; `TgtGone` when it is cut short."""
    if len(answer) < _ANSWER.size:
        raise TgtGone("tgtd ended in the middle of an answer.")
    error, length = _ANSWER.unpack_from(answer)
    if error == Code.SUCCESS and len(answer) < length:
        raise TgtGone("tgtd ended in the middle of an answer.")
    return error, answer[_ANSWER.size : length].decode(errors="replace").rstrip("\0")


class Tgt:
    """One tgtd, reached by the socket at `path` with the rights of `account`.

    Each method is one request, safe from several threads at once; each opens and closes its own connection.
    Raises `TgtGone` when tgtd does not answer within `timeout` seconds and `TgtRefusal` when it says no.
    """

    def __init__(self, path: Path, account: Account | None, timeout: float) -> None:
        self._path = path
        self._account = account
        self._timeout = timeout

    def alive(self) -> bool:
        """Whether tgtd answers and its iSCSI part is ready."""
        try:
            return "iscsi: ready" in self._ask("show itself", pack(Mode.SYSTEM, Verb.SHOW))
        except (TgtGone, TgtRefusal):
            return False

    def shut_down(self) -> None:
        """Have tgtd end itself; it refuses while it has targets, and heeds no SIGTERM at all."""
        error, _ = self._call(pack(Mode.SYSTEM, Verb.DELETE))
        self._succeeded("end", error)

    def portals(self) -> tuple[tuple[str, int], ...]:
        """The addresses and ports that tgtd really listens on."""
        return portals(self._ask("show its portals", pack(Mode.PORTAL, Verb.SHOW)))

    def targets(self) -> tuple[ShownTarget, ...]:
        """Everything that tgtd publishes. Crashes tgtd while a target's accounts have a hole (see `accounts`)."""
        return targets(self._ask("show its targets", pack(Mode.TARGET, Verb.SHOW, tid=_ALL)))

    def accounts(self) -> frozenset[str]:
        """The names of all accounts, bound or not."""
        text = self._ask("show its accounts", pack(Mode.ACCOUNT, Verb.SHOW))
        return frozenset(line.strip() for line in text.splitlines()[1:] if line.strip())

    def connections(self, tid: int) -> tuple[ShownConnection, ...]:
        """The live connections of a target; none when there is no such target."""
        error, text = self._call(pack(Mode.CONNECTION, Verb.SHOW, tid=tid))
        if error == Code.NO_TARGET:
            return ()
        self._succeeded("show the connections", error)
        return connections(text)

    def sessions(self, tid: int) -> frozenset[int]:
        """The ids of a target's sessions, those included that have lost their connection but not ended yet."""
        return sessions(self.statistics(tid))

    def counts(self, tid: int) -> tuple[ShownCount, ...]:
        """What each session has done with each unit of a target; what a session did is forgotten at its end."""
        return counts(self.statistics(tid))

    def statistics(self, tid: int) -> str:
        """Counters of a target's disks and sessions: the same text again means that no host read or wrote meanwhile."""
        error, text = self._call(pack(Mode.TARGET, Verb.STATS, tid=tid))
        if error == Code.NO_TARGET:
            return ""
        self._succeeded("show the statistics", error)
        return text

    def new_target(self, tid: int, name: str) -> bool:
        """Make an empty target; False when the number or the name is taken."""
        return self._tell("make the target", Mode.TARGET, Verb.NEW, {"targetname": name}, Code.TARGET_EXISTS, tid=tid)

    def delete_target(self, tid: int) -> bool:
        """Delete a target; False when there is none. `Busy` while a logical unit has commands in flight.

        Never with live sessions: tgtd may exit on meeting one whose commands have not ended.
        """
        error, _ = self._call(pack(Mode.TARGET, Verb.DELETE, tid=tid, force=True))
        if error == Code.LUN_ACTIVE:
            raise Busy("The logical unit still has commands in flight.")
        return self._changed("delete the target", error, Code.NO_TARGET)

    def set_parameter(self, tid: int, name: str, value: str) -> None:
        """Set a negotiated session parameter of a target (the names of RFC 7143)."""
        self._tell("set a parameter", Mode.TARGET, Verb.UPDATE, {name: value}, tid=tid)

    def set_ready(self, tid: int, ready: bool) -> None:
        """Let hosts log in or not; one that is turned away here tries again, as it does after no other refusal.

        A command of a live session ends its connection while the target is not ready.
        """
        self._tell("set the state", Mode.TARGET, Verb.UPDATE, {"state": "ready" if ready else "offline"}, tid=tid)

    def new_lun(self, tid: int, lun: int, path: Path) -> bool:
        """Add a disk on a file or block device; False when the number is taken."""
        return self._tell(
            "open the device",
            Mode.DEVICE,
            Verb.NEW,
            {"path": str(path), "bstype": "rdwr"},
            Code.LUN_EXISTS,
            tid=tid,
            lun=lun,
        )

    def update_lun(self, tid: int, lun: int, parameters: Mapping[str, str | int]) -> None:
        """Set attributes of a disk, in the order given, in one go as far as hosts can see."""
        self._tell("set up the logical unit", Mode.DEVICE, Verb.UPDATE, parameters, tid=tid, lun=lun)

    def has_lun(self, tid: int, lun: int) -> bool:
        """Whether the target has that disk."""
        error, _ = self._call(pack(Mode.DEVICE, Verb.STATS, tid=tid, lun=lun))
        if error in (Code.NO_TARGET, Code.NO_LUN):
            return False
        self._succeeded("show the logical unit", error)
        return True

    def new_account(self, user: str, password: str) -> bool:
        """Make a CHAP account; False when the name is taken (its password stays)."""
        return self._tell(
            "make the account", Mode.ACCOUNT, Verb.NEW, {"user": user, "password": password}, Code.USER_EXISTS
        )

    def delete_account(self, user: str) -> bool:
        """Delete an account; False when there is none. Only when bound nowhere: it leaves holes otherwise."""
        return self._tell("delete the account", Mode.ACCOUNT, Verb.DELETE, {"user": user}, Code.NO_USER)

    def bind_account(self, tid: int, user: str) -> bool:
        """Let an account log in to a target, in its first free place; False when it could already."""
        return self._tell("bind the account", Mode.ACCOUNT, Verb.BIND, {"user": user}, Code.USER_EXISTS, tid=tid)

    def unbind_account(self, tid: int, user: str) -> bool:
        """The opposite; False when it was not bound. Leaves a hole unless it was the last, see `accounts`."""
        return self._tell(
            "unbind the account", Mode.ACCOUNT, Verb.UNBIND, {"user": user}, Code.NO_USER, Code.NO_TARGET, tid=tid
        )

    def allow_name(self, tid: int, initiator: str) -> bool:
        """Admit an initiator by name; False when it was admitted."""
        return self._tell(
            "admit the initiator", Mode.TARGET, Verb.BIND, {"initiator-name": initiator}, Code.ACL_EXISTS, tid=tid
        )

    def forbid_name(self, tid: int, initiator: str) -> bool:
        """The opposite; False when it was not admitted."""
        return self._tell(
            "turn the initiator away",
            Mode.TARGET,
            Verb.UNBIND,
            {"initiator-name": initiator},
            Code.NO_ACL,
            Code.NO_TARGET,
            tid=tid,
        )

    def allow_address(self, tid: int, address: str) -> bool:
        """Admit initiators by address, `ALL` for any; False when it was admitted."""
        return self._tell(
            "admit the address", Mode.TARGET, Verb.BIND, {"initiator-address": address}, Code.ACL_EXISTS, tid=tid
        )

    def forbid_address(self, tid: int, address: str) -> bool:
        """The opposite; False when it was not admitted."""
        return self._tell(
            "turn the address away",
            Mode.TARGET,
            Verb.UNBIND,
            {"initiator-address": address},
            Code.NO_ACL,
            Code.NO_TARGET,
            tid=tid,
        )

    def close_connection(self, tid: int, sid: int, cid: int) -> bool:
        """Begin to close a connection; False when it is gone. Look again: it ends once its commands have."""
        error, _ = self._call(pack(Mode.CONNECTION, Verb.DELETE, tid=tid, sid=sid, cid=cid))
        if error in (Code.NO_SESSION, Code.NO_CONNECTION):
            return False
        return self._changed("close the connection", error, Code.NO_TARGET)

    def _tell(
        self,
        doing: str,
        mode: Mode,
        verb: Verb,
        values: Mapping[str, str | int],
        *already: Code,
        tid: int = 0,
        lun: int = 0,
    ) -> bool:
        for value in values.values():
            if not _VALUE.match(str(value)):
                raise Refused(f"tgtd could not {doing}: a blank, a comma or an equals sign is in the way.")
        text = ",".join(f"{name}={value}" for name, value in values.items())
        error, _ = self._call(pack(mode, verb, tid=tid, lun=lun, text=text))
        return self._changed(doing, error, *already)

    def _changed(self, doing: str, error: int, *already: Code) -> bool:
        if error in already:
            return False
        self._succeeded(doing, error)
        return True

    def _succeeded(self, doing: str, error: int) -> None:
        if error != Code.SUCCESS:
            raise TgtRefusal(doing, error)

    def _ask(self, doing: str, request: bytes) -> str:
        error, text = self._call(request)
        self._succeeded(doing, error)
        return text

    def _call(self, request: bytes) -> tuple[int, str]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.settimeout(self._timeout)
            try:
                acting_as(self._account, self._connecting(channel))
                channel.sendall(request)
                parts = []
                while part := channel.recv(262144):
                    parts.append(part)
            except TimeoutError as error:
                raise TgtGone(f"tgtd has not answered for {self._timeout:g} s.") from error
            except OSError as error:
                raise TgtGone(f"tgtd does not answer: {error.strerror or error}.") from error
        return unpack(b"".join(parts))

    def _connecting(self, channel: socket.socket) -> Callable[[], None]:
        return lambda: channel.connect(str(self._path))
