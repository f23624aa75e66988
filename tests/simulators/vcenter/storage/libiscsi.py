"""A real iSCSI initiator: libiscsi through ctypes. Secrets stay in this process's memory."""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_DISCOVERY, _NORMAL = 1, 2
_NO_DIGEST = 0
_NO_DATA, _FROM_DEVICE, _TO_DEVICE = 0, 1, 2
_RESERVATION_CONFLICT = 0x18
_ATTENTIONS = 8
# Memory that libiscsi may still write to.
_kept: list[object] = []


class LoginRefused(OSError):
    """The target answered, and does not let this initiator in."""


class NoAnswer(OSError):
    """The portal cannot be reached, or the session broke."""


class CommandFailed(OSError):
    """The device answered a command with an error."""


@dataclass(frozen=True, slots=True)
class Chap:
    """A name and a secret."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the initiator shows (`own`) and what it wants the target to show (`target`)."""

    own: Chap | None = None
    target: Chap | None = None


class _Portal(ctypes.Structure):
    pass


_Portal._fields_ = [("next", ctypes.POINTER(_Portal)), ("portal", ctypes.c_char_p)]


class _Address(ctypes.Structure):
    pass


_Address._fields_ = [
    ("next", ctypes.POINTER(_Address)),
    ("target_name", ctypes.c_char_p),
    ("portals", ctypes.POINTER(_Portal)),
]


def missing() -> str:
    """Why no login is possible on this machine; empty when it is."""
    return "" if _library() is not None else "libiscsi is not installed (package libiscsi7)"


@cache
def _library() -> Any:
    places = (str(path) for folder in ("/usr/lib", "/usr/lib64") for path in Path(folder).glob("**/libiscsi.so.*"))
    name = ctypes.util.find_library("iscsi") or next(places, None)
    if name is None:
        return None
    library = ctypes.CDLL(name)
    for function in ("iscsi_create_context", "scsi_create_task", "iscsi_scsi_command_sync"):
        getattr(library, function).restype = ctypes.c_void_p
    library.iscsi_get_error.restype = ctypes.c_char_p
    library.iscsi_discovery_sync.restype = ctypes.POINTER(_Address)
    return library


class _Context:
    """One libiscsi context. Not for several threads at once."""

    def __init__(self, initiator: str, kind: int, credentials: Credentials, seconds: int) -> None:
        if missing():
            raise NoAnswer(missing())
        self.library = _library()
        self.pointer: int | None = self.library.iscsi_create_context(initiator.encode())
        if not self.pointer:
            raise NoAnswer("no memory for a session")
        self.do("iscsi_set_session_type", kind)
        self.do("iscsi_set_header_digest", _NO_DIGEST)
        self.do("iscsi_set_timeout", seconds)
        self.library.iscsi_set_noautoreconnect(ctypes.c_void_p(self.pointer), 1)
        if credentials.own is not None:
            self.do(
                "iscsi_set_initiator_username_pwd",
                credentials.own.name.encode(),
                credentials.own.secret.encode(),
            )
        if credentials.target is not None:
            self.do(
                "iscsi_set_target_username_pwd",
                credentials.target.name.encode(),
                credentials.target.secret.encode(),
            )

    def do(self, function: str, *arguments: Any) -> None:
        """One call that answers 0 when it went well. `NoAnswer` otherwise."""
        if getattr(self.library, function)(ctypes.c_void_p(self.pointer), *arguments) != 0:
            raise NoAnswer(self.words())

    def words(self) -> str:
        """What libiscsi says of the last failure."""
        found = self.library.iscsi_get_error(ctypes.c_void_p(self.pointer))
        return found.decode(errors="replace") if isinstance(found, bytes) else ""

    def enter(self, portal: str) -> None:
        """Connect and log in. `NoAnswer` or `LoginRefused`."""
        self.do("iscsi_connect_sync", portal.encode())
        if self.library.iscsi_login_sync(ctypes.c_void_p(self.pointer)) != 0:
            words = self.words()
            raise LoginRefused(words or "the login was refused")

    def end(self) -> None:
        """Give it back. Nothing the second time."""
        if self.pointer:
            self.library.iscsi_destroy_context(ctypes.c_void_p(self.pointer))
            self.pointer = None

    def leave(self, kept: object) -> None:
        """End the connection under a command that got no answer. The context and the command's memory are kept for
        good: libiscsi writes there when the context is destroyed."""
        _kept.append(kept)
        self.library.iscsi_disconnect(ctypes.c_void_p(self.pointer))
        self.pointer = None


def discover(initiator: str, portal: str, credentials: Credentials, seconds: int = 10) -> list[tuple[str, str]]:
    """The targets (name and portal, `address:port`) that a portal shows to this initiator."""
    context = _Context(initiator, _DISCOVERY, credentials, seconds)
    try:
        context.enter(portal)
        first = context.library.iscsi_discovery_sync(ctypes.c_void_p(context.pointer))
        found = []
        at = first
        while at:
            address, place = at.contents, at.contents.portals
            while place:
                # `address:port,group`
                found.append((address.target_name.decode(), place.contents.portal.decode().partition(",")[0]))
                place = place.contents.next
            at = address.next
        if first:
            context.library.iscsi_free_discovery_data(ctypes.c_void_p(context.pointer), first)
        context.library.iscsi_logout_sync(ctypes.c_void_p(context.pointer))
        return found
    finally:
        context.end()


class Session:
    """A session of one initiator with one target through one portal. Sizes and offsets in bytes.

    Commands raise `CommandFailed` when the device refuses them, `NoAnswer` when the session is gone; it does not come
    back by itself.
    """

    def __init__(self, initiator: str, portal: str, target: str, credentials: Credentials, seconds: int = 10) -> None:
        self.portal, self.target = portal, target
        self._lock = threading.Lock()
        self._context = _Context(initiator, _NORMAL, credentials, seconds)
        try:
            self._context.do("iscsi_set_targetname", target.encode())
            self._context.enter(portal)
        except OSError:
            self._context.end()
            raise

    @property
    def alive(self) -> bool:
        """Whether commands can be given; a session that broke unnoticed still seems so."""
        return self._context.pointer is not None

    def luns(self) -> list[int]:
        """REPORT LUNS."""
        answer = self.command(0, bytes((0xA0, 0, 0, 0, 0, 0)) + (4096).to_bytes(4, "big") + bytes(2), receive=4096)
        count = min(int.from_bytes(answer[:4], "big") // 8, 511)
        entries = (answer[8 + 8 * at : 16 + 8 * at] for at in range(count))
        return [int.from_bytes(entry[:2], "big") & 0x3FFF for entry in entries]

    def inquiry(self, lun: int, page: int | None = None) -> bytes:
        """INQUIRY: the standard data, or a vital product data page."""
        cdb = bytes((0x12, 0 if page is None else 1, page or 0, 0, 255, 0))
        return self.command(lun, cdb, receive=255)

    def capacity(self, lun: int) -> tuple[int, int]:
        """READ CAPACITY (16): how many blocks, and how many bytes each."""
        cdb = bytes((0x9E, 0x10)) + bytes(8) + (32).to_bytes(4, "big") + bytes(2)
        answer = self.command(lun, cdb, receive=32)
        return int.from_bytes(answer[:8], "big") + 1, int.from_bytes(answer[8:12], "big")

    def read(self, lun: int, offset: int, length: int, block: int = 512) -> bytes:
        """READ (16) of whole blocks."""
        return self.command(lun, _sixteen(0x88, offset, length, block), receive=length)

    def write(self, lun: int, offset: int, data: bytes, block: int = 512) -> None:
        """WRITE (16) of whole blocks."""
        self.command(lun, _sixteen(0x8A, offset, len(data), block), send=data)

    def unmap(self, lun: int, first: int, blocks: int) -> None:
        """UNMAP of one range."""
        described = first.to_bytes(8, "big") + blocks.to_bytes(4, "big") + bytes(4)
        cdb = bytes((0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0))
        self.command(lun, cdb, send=bytes((0, 22, 0, 16, 0, 0, 0, 0)) + described)

    def flush(self, lun: int) -> None:
        """SYNCHRONIZE CACHE."""
        self.command(lun, bytes((0x35,)) + bytes(9))

    def command(self, lun: int, cdb: bytes, *, send: bytes = b"", receive: int = 0) -> bytes:
        """One SCSI command; unit attentions are taken note of by repeating it."""
        with self._lock:
            for _ in range(_ATTENTIONS):
                status, words, data = self._attempt(lun, cdb, send, receive)
                if status == 0:
                    return data
                if status == _RESERVATION_CONFLICT:
                    raise CommandFailed("reservation conflict")
                if "UNIT_ATTENTION" not in words:
                    raise CommandFailed(words or f"status {status:#x}")
        raise CommandFailed(words)

    def _attempt(self, lun: int, cdb: bytes, send: bytes, receive: int) -> tuple[int, str, bytes]:
        context = self._context
        if context.pointer is None:
            raise NoAnswer("the session has ended")
        library = context.library
        length = len(send) or receive
        buffer = ctypes.create_string_buffer(send or max(receive, 1), max(length, 1))
        direction = _TO_DEVICE if send else _FROM_DEVICE if receive else _NO_DATA
        task = ctypes.c_void_p(library.scsi_create_task(len(cdb), cdb, direction, length))
        if send:
            library.scsi_task_add_data_out_buffer(task, length, buffer)
        elif receive:
            library.scsi_task_add_data_in_buffer(task, length, buffer)
        answered = library.iscsi_scsi_command_sync(ctypes.c_void_p(context.pointer), lun, task, None)
        words = context.words()
        if not answered:
            context.leave(buffer)
            raise NoAnswer(words or "no answer")
        # `status` is the first field of libiscsi's struct scsi_task.
        status = ctypes.cast(task, ctypes.POINTER(ctypes.c_int)).contents.value
        library.scsi_free_scsi_task(task)
        return status, words, buffer.raw[:receive]

    def close(self) -> None:
        """Log out. Nothing when it has ended."""
        with self._lock:
            if self._context.pointer:
                self._context.library.iscsi_logout_sync(ctypes.c_void_p(self._context.pointer))
                self._context.end()


def _sixteen(operation: int, offset: int, length: int, block: int) -> bytes:
    return (
        bytes((operation, 0)) + (offset // block).to_bytes(8, "big") + (length // block).to_bytes(4, "big") + bytes(2)
    )
