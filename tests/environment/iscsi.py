"""Real iSCSI initiators for tests: libiscsi in this process, one context per session, no secret on any command line.

An `Initiator` does what an operating system's initiator does and no more: it repeats a command that was answered
with a unit attention, and does not connect again by itself unless told to.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.drivers.contract import Grant
from isthmus.core.model.attachment import Connection

from ..contract.hosts import Client, Hosts

BLOCK = 512
_NORMAL, _NO_DIGEST = 2, 0
_NONE, _READ, _WRITE = 0, 1, 2
_CONFLICT = 0x18
_ABANDONED: list[object] = []


def missing() -> str:
    """Why iSCSI cannot be tested here; empty when it can."""
    if shutil.which("tgtd", path="/usr/sbin:/sbin:/usr/bin") is None:
        return "tgtd is not installed (package tgt)"
    return "" if _library() is not None else "libiscsi is not installed (package libiscsi-bin)"


@cache
def _library() -> ctypes.CDLL | None:
    found = ctypes.util.find_library("iscsi") or next(
        (str(path) for folder in ("/usr/lib", "/lib") for path in Path(folder).glob("*/libiscsi.so.*")), None
    )
    if found is None:
        return None
    library = ctypes.CDLL(found)
    library.iscsi_create_context.restype = ctypes.c_void_p
    library.iscsi_get_error.restype = ctypes.c_char_p
    library.scsi_create_task.restype = ctypes.c_void_p
    library.iscsi_scsi_command_sync.restype = ctypes.c_void_p
    return library


class Conflict(OSError):
    """Another host holds a reservation."""


class Initiator(Client):
    """A session of one host with one target. `OSError` with the target's words when it is not let in."""

    def __init__(
        self,
        connection: Connection,
        initiator: str,
        *,
        user: str | None = None,
        secret: str | None = None,
        seconds: int = 20,
        reconnects: bool = False,
        alias: str | None = None,
    ) -> None:
        library = _library()
        assert library is not None
        self._library = library
        public = connection.public
        self._lun = int(public["lun"])
        name = user if user is not None else str(public["chap_user"])
        password = secret if secret is not None else connection.secrets["chap_secret"]
        self._context: int | None = library.iscsi_create_context(initiator.encode())
        assert self._context
        self._do("iscsi_set_session_type", _NORMAL)
        self._do("iscsi_set_header_digest", _NO_DIGEST)
        self._do("iscsi_set_targetname", str(public["iqn"]).encode())
        if name:
            self._do("iscsi_set_initiator_username_pwd", name.encode(), password.encode())
        self._do("iscsi_set_timeout", seconds)
        if alias is not None:
            self._do("iscsi_set_alias", alias.encode())
        if not reconnects:
            library.iscsi_set_noautoreconnect(ctypes.c_void_p(self._context), 1)
        self.attentions = 0
        try:
            self._do("iscsi_full_connect_sync", str(public["portals"][0]).encode(), self._lun)
        except OSError:
            self._destroy()
            raise

    @property
    def size(self) -> int:
        answer = self._command(bytes((0x9E, 0x10)) + bytes(8) + (32).to_bytes(4, "big") + bytes(2), receive=32)
        return (int.from_bytes(answer[:8], "big") + 1) * int.from_bytes(answer[8:12], "big")

    @property
    def identifier(self) -> str | None:
        """The NAA name of type 6 in page 0x83, the first designator that hosts go by."""
        page = self._inquire(0x83)
        at = 4
        while at + 4 <= 4 + int.from_bytes(page[2:4], "big"):
            kind, length = page[at + 1] & 0x0F, page[at + 3]
            name = page[at + 4 : at + 4 + length]
            if kind == 3 and name[0] >> 4 == 6:
                return f"naa.{name.hex()}"
            at += 4 + length
        return None

    @property
    def serial(self) -> str:
        """The unit serial number, page 0x80."""
        page = self._inquire(0x80)
        return page[4 : 4 + page[3]].decode().rstrip("\0 ")

    @property
    def offers_unmap(self) -> bool:
        """Whether blocks can be given back, bit LBPU of page 0xb2."""
        return bool(self._inquire(0xB2)[5] & 0x80)

    def read(self, offset: int, length: int) -> bytes:
        return self._command(_cdb16(0x88, offset, length), receive=length)

    def write(self, offset: int, data: bytes) -> None:
        self._command(_cdb16(0x8A, offset, len(data)), send=data)

    def unmap(self, offset: int, length: int) -> None:
        blocks = (offset // BLOCK).to_bytes(8, "big") + (length // BLOCK).to_bytes(4, "big") + bytes(4)
        self._command(bytes((0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0)), send=bytes((0, 22, 0, 16, 0, 0, 0, 0)) + blocks)

    def flush(self) -> None:
        self._command(bytes((0x35,)) + bytes(9))

    def reserve(self) -> None:
        """RESERVE(6): only this host may read and write from now on. `Conflict` when another has it."""
        self._command(bytes((0x16, 0, 0, 0, 0, 0)))

    def register(self, key: int) -> None:
        """PERSISTENT RESERVE OUT, register and ignore existing key."""
        self._command(bytes((0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0)), send=bytes(8) + key.to_bytes(8, "big") + bytes(8))

    def reserve_persistently(self, key: int) -> None:
        """PERSISTENT RESERVE OUT, reserve: write exclusive. `Conflict` when another has it."""
        self._command(bytes((0x5F, 1, 1, 0, 0, 0, 0, 0, 24, 0)), send=key.to_bytes(8, "big") + bytes(16))

    def close(self) -> None:
        if self._context:
            self._library.iscsi_logout_sync(ctypes.c_void_p(self._context))
            self._destroy()

    def drop(self) -> None:
        """Vanish without a logout, as a host that lost its power."""
        self._destroy()

    def _inquire(self, page: int) -> bytes:
        return self._command(bytes((0x12, 1, page, 0, 255, 0)), receive=255)

    def _command(self, cdb: bytes, *, send: bytes = b"", receive: int = 0) -> bytes:
        if not self._context:
            raise OSError("the session is closed")
        while True:
            buffer = ctypes.create_string_buffer(send or max(receive, 1), len(send) or max(receive, 1))
            direction = _WRITE if send else _READ if receive else _NONE
            task = ctypes.c_void_p(
                self._library.scsi_create_task(len(cdb), cdb, direction, len(send) or receive),
            )
            if send:
                self._library.scsi_task_add_data_out_buffer(task, len(send), buffer)
            elif receive:
                self._library.scsi_task_add_data_in_buffer(task, receive, buffer)
            done = self._library.iscsi_scsi_command_sync(ctypes.c_void_p(self._context), self._lun, task, None)
            status = ctypes.cast(task, ctypes.POINTER(ctypes.c_int)).contents.value if done else -1
            words = self._error()
            if not done:
                self._abandon(buffer)
                raise OSError(f"no answer: {words}")
            self._library.scsi_free_scsi_task(task)
            if status == 0:
                return buffer.raw[:receive]
            if status == _CONFLICT:
                raise Conflict("reservation conflict")
            if "UNIT_ATTENTION" not in words:
                raise OSError(f"status {status:#x}: {words}")
            self.attentions += 1

    def _do(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(ctypes.c_void_p(self._context), *arguments) != 0:
            raise OSError(f"{function}: {self._error()}")

    def _error(self) -> str:
        words = self._library.iscsi_get_error(ctypes.c_void_p(self._context))
        return words.decode(errors="replace") if isinstance(words, bytes) else ""

    def _abandon(self, buffer: object) -> None:
        """Leave a session with an unanswered command; libiscsi would still write to the command's dead frame when
        its context is destroyed, so context and buffer are kept for good."""
        _ABANDONED.append(buffer)
        self._library.iscsi_disconnect(ctypes.c_void_p(self._context))
        self._context = None

    def _destroy(self) -> None:
        if self._context:
            self._library.iscsi_destroy_context(ctypes.c_void_p(self._context))
            self._context = None


class IscsiHosts(Hosts):
    """Hosts of the contract suites, each with one initiator name."""

    def connect(self, connection: Connection, grant: Grant) -> Initiator:
        if connection.protocol != "iscsi":
            pytest.skip(f"no client for {connection.protocol} here")
        return Initiator(connection, grant.initiators[0])


def _cdb16(operation: int, offset: int, length: int) -> bytes:
    blocks = (offset // BLOCK).to_bytes(8, "big") + (length // BLOCK).to_bytes(4, "big")
    return bytes((operation, 0)) + blocks + bytes(2)
