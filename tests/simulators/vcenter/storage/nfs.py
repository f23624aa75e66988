"""NFS servers as a host asks them: whether they answer, and whether they have what shall be mounted."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from itertools import count

_NFS, _PORTMAP, _MOUNT = 100003, 100000, 100005
_NULL, _MNT, _GETPORT, _COMPOUND = 0, 1, 3, 1
_PORT, _PORTMAP_PORT = 2049, 111
_PUTROOTFH, _LOOKUP, _GETFH = 24, 15, 10
_MINOR_VERSION_MISMATCH = 10021
_LAST_FRAGMENT = 0x80000000
_numbers = count(1)


class Unreachable(OSError):
    """The server does not answer, or not in the version that was asked for."""


class NoExport(OSError):
    """The server has no such export for this host."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is only played. Sizes in bytes."""

    size: int = 1 << 40
    free: int = 1 << 40
    versions: tuple[int, ...] = (3, 4)


@dataclass(slots=True)
class Exports:
    """The NFS servers of one vCenter's hosts. `played` are taken at their word, all others are asked for real; `ports`:
    where a server listens, by its name (2049 for those not named). `seconds`: how long one may take."""

    played: dict[tuple[str, str], Export] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    seconds: float = 5.0

    def look(self, server: str, path: str, version: int) -> Export:
        """What a server has. `Unreachable`, `NoExport`."""
        played = self.played.get((server, path))
        if played is not None:
            if version not in played.versions:
                raise Unreachable(f"{server} does not speak NFS {version}")
            return played
        port = self.ports.get(server, _PORT)
        _call(server, port, self.seconds, _NFS, version, _NULL)
        if version == 4:
            self._walk(server, port, path)
        else:
            self._ask_mountd(server, path)
        return Export(versions=(version,))

    def _walk(self, server: str, port: int, path: str) -> None:
        names = [part for part in path.split("/") if part]
        operations = struct.pack(">I", _PUTROOTFH)
        operations += b"".join(struct.pack(">I", _LOOKUP) + _string(name) for name in names)
        operations += struct.pack(">I", _GETFH)
        body = _string("") + struct.pack(">II", 0, len(names) + 2) + operations
        answer = _call(server, port, self.seconds, _NFS, 4, _COMPOUND, body, system_credentials=True)
        (status,) = struct.unpack_from(">I", answer)
        # A server without NFS 4.0 tells nothing without a session; that it answers has been seen.
        if status not in (0, _MINOR_VERSION_MISMATCH):
            raise NoExport(f"{server} has no {path} for this host (NFS status {status})")

    def _ask_mountd(self, server: str, path: str) -> None:
        wanted = struct.pack(">IIII", _MOUNT, 3, socket.IPPROTO_TCP, 0)
        try:
            answer = _call(server, _PORTMAP_PORT, self.seconds, _PORTMAP, 2, _GETPORT, wanted)
        except Unreachable:
            return
        (port,) = struct.unpack_from(">I", answer)
        if port:
            answer = _call(server, port, self.seconds, _MOUNT, 3, _MNT, _string(path), system_credentials=True)
            (status,) = struct.unpack_from(">I", answer)
            if status:
                raise NoExport(f"{server} has no {path} for this host (MOUNT status {status})")


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">I", len(raw)) + raw.ljust(-(-len(raw) // 4) * 4, b"\0")


def _call(
    server: str,
    port: int,
    seconds: float,
    program: int,
    version: int,
    procedure: int,
    body: bytes = b"",
    *,
    system_credentials: bool = False,
) -> bytes:
    """One remote procedure call over TCP; the results. `Unreachable` for anything but success."""
    number = next(_numbers) & 0xFFFFFFFF
    own = struct.pack(">I", 0) + _string("esx") + struct.pack(">III", 0, 0, 0)
    credentials = struct.pack(">II", 1, len(own)) + own if system_credentials else struct.pack(">II", 0, 0)
    message = struct.pack(">IIIIII", number, 0, 2, program, version, procedure) + credentials
    message += struct.pack(">II", 0, 0) + body
    try:
        with socket.create_connection((server, port), timeout=seconds) as connection:
            connection.sendall(struct.pack(">I", _LAST_FRAGMENT | len(message)) + message)
            answer = _record(connection)
        answered, kind, state, _, length = struct.unpack_from(">IIIII", answer)
        (accepted,) = struct.unpack_from(">I", answer, 20 + length)
    except (OSError, struct.error) as error:
        raise Unreachable(f"no answer from {server}:{port}: {error}") from None
    if (answered, kind, state, accepted) != (number, 1, 0, 0):
        raise Unreachable(f"{server}:{port} does not serve program {program} version {version}")
    return answer[24 + length :]


def _record(connection: socket.socket) -> bytes:
    whole, last = b"", False
    while not last:
        (mark,) = struct.unpack(">I", _exactly(connection, 4))
        last = bool(mark & _LAST_FRAGMENT)
        whole += _exactly(connection, mark & ~_LAST_FRAGMENT)
    return whole


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise OSError("the connection ended")
        data += more
    return data
