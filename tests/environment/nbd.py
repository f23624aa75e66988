"""NBD hosts for tests: a client in this process, over TLS or a Unix socket, and hosts with certificates of their own.

The client does what an operating system's does and no more; it does not connect again by itself.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import tempfile
import threading
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from isthmus.core.drivers.contract import Grant
from isthmus.core.model.attachment import AccessMode, Connection
from isthmus.core.security.authority import (
    Credential,
    client_name,
    issue_client_certificate,
    issue_server_certificate,
    make_authority,
)

from ..contract.hosts import Client, Hosts

_OPTION, _REPLY, _REQUEST, _SIMPLE = 0x49484156454F5054, 0x0003E889045565A9, 0x25609513, 0x67446698
_GO, _LIST, _STARTTLS, _ACK, _SERVER, _INFO, _ERROR = 7, 3, 5, 1, 2, 3, 1 << 31
_READ, _WRITE, _DISCONNECT, _FLUSH, _TRIM, _FUA = 0, 1, 2, 3, 4, 1
_SECONDS = 20.0


def missing() -> str:
    """Why NBD cannot be tested here; empty when it can."""
    found = shutil.which("qemu-storage-daemon") and shutil.which("qemu-img")
    return "" if found else "qemu-storage-daemon or qemu-img is not installed (qemu-system-common, qemu-utils)"


class NbdClient(Client):
    """One connection. `OSError` for whatever the server refuses."""

    def __init__(self, connection: Connection) -> None:
        self._turn = threading.Lock()
        self._cookie = 0
        public = connection.public
        self._socket: socket.socket
        if "socket" in public:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(_SECONDS)
            self._socket.connect(str(public["socket"]))
        else:
            self._socket = socket.create_connection((public["address"], public["port"]), _SECONDS)
        try:
            self._negotiate(connection)
        except BaseException:
            self._socket.close()
            raise

    @property
    def size(self) -> int:
        return self._size

    @property
    def identifier(self) -> str | None:
        return None

    def read(self, offset: int, length: int) -> bytes:
        return self._command(_READ, offset, length, answer=length)

    def write(self, offset: int, data: bytes) -> None:
        self._command(_WRITE, offset, len(data), data, flags=_FUA)

    def trim(self, offset: int, length: int) -> None:
        self._command(_TRIM, offset, length)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.sendall(struct.pack(">IHHQQI", _REQUEST, 0, _DISCONNECT, 0, 0, 0))
        self._socket.close()

    def _negotiate(self, connection: Connection) -> None:
        name = str(connection.public["export"]).encode()
        if self._take(8) != b"NBDMAGIC" or struct.unpack(">Q", self._take(8))[0] != _OPTION:
            raise OSError("no NBD server")
        self._take(2)
        self._socket.sendall(struct.pack(">I", 3))
        if connection.public["tls"]:
            self._option(_STARTTLS)
            self._socket = encrypted(self._socket, connection)
        self._size = 0
        for kind, data in self._option(_GO, struct.pack(">I", len(name)) + name + struct.pack(">H", 0)):
            if kind == _INFO and data[:2] == b"\0\0":
                self._size = struct.unpack(">Q", data[2:10])[0]

    def _option(self, option: int, data: bytes = b"") -> list[tuple[int, bytes]]:
        self._socket.sendall(struct.pack(">QII", _OPTION, option, len(data)) + data)
        replies: list[tuple[int, bytes]] = []
        while True:
            magic, answered, kind, length = struct.unpack(">QIII", self._take(20))
            content = self._take(length)
            if magic != _REPLY or answered != option:
                raise OSError("the server does not speak NBD")
            if kind & _ERROR:
                raise OSError(f"the server refuses: {content.decode(errors='replace')}")
            if kind == _ACK:
                return replies
            replies.append((kind, content))

    def _command(
        self, command: int, offset: int, length: int, data: bytes = b"", flags: int = 0, answer: int = 0
    ) -> bytes:
        with self._turn:
            self._cookie += 1
            request = struct.pack(">IHHQQI", _REQUEST, flags, command, self._cookie, offset, length)
            self._socket.sendall(request + data)
            magic, error, cookie = struct.unpack(">IIQ", self._take(16))
            if magic != _SIMPLE or cookie != self._cookie:
                raise OSError("the server's answer is no NBD")
            if error:
                raise OSError(error, "the server reports an error")
            return self._take(answer)

    def _take(self, length: int) -> bytes:
        parts = b""
        while len(parts) < length:
            part = self._socket.recv(length - len(parts))
            if not part:
                raise OSError("the server has hung up")
            parts += part
        return parts


def encrypted(plain: socket.socket, connection: Connection) -> ssl.SSLSocket:
    """TLS over a connection that has asked for it, with the host's certificate."""
    secrets = connection.secrets
    context = ssl.create_default_context(cadata=secrets["ca"])
    with tempfile.NamedTemporaryFile() as file:
        file.write(secrets["certificate"].encode() + secrets["key"].encode())
        file.flush()
        context.load_cert_chain(file.name)
    return context.wrap_socket(plain, server_hostname=str(connection.public["address"]))


class Certificates:
    """An authority of its own in `folder`, with a node's certificate and one for each host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.pem", "server.pem", "server.key"))
        self._authority_key = folder / "ca.key"
        if not self.ca.exists():
            folder.mkdir(parents=True)
            authority = make_authority()
            self._write(self.ca, self._authority_key, authority)
            self.renew()

    def renew(self) -> None:
        """Give the node another certificate."""
        self._write(self.certificate, self.key, issue_server_certificate(self._authority(), ["127.0.0.1", "localhost"]))

    def _authority(self) -> Credential:
        return Credential(self.ca.read_bytes(), self._authority_key.read_bytes())

    def of(self, host: str) -> tuple[str, str]:
        """The certificate and key of a host, PEM; the same ones each time."""
        certificate, key = self.folder / f"{host}.pem", self.folder / f"{host}.key"
        if not certificate.exists():
            self._write(certificate, key, issue_client_certificate(self._authority(), host))
        return certificate.read_text(), key.read_text()

    def client_folder(self, host: str) -> Path:
        """What libnbd and qemu want: a folder with ca-cert.pem, client-cert.pem and client-key.pem."""
        folder = self.folder / f"client-{host}"
        if not folder.exists():
            folder.mkdir()
            certificate, key = self.of(host)
            (folder / "ca-cert.pem").write_bytes(self.ca.read_bytes())
            (folder / "client-cert.pem").write_text(certificate)
            (folder / "client-key.pem").write_text(key)
        return folder

    def _write(self, certificate: Path, key: Path, credential: Credential) -> None:
        certificate.write_bytes(credential.certificate)
        key.touch(mode=0o600)
        key.write_bytes(credential.key)

    def complete(self, connection: Connection, grant: Grant) -> Connection:
        """The connection with the host's own certificate and key, as the engine hands it out."""
        certificate, key = self.of(grant.host)
        return replace(connection, secrets={**connection.secrets, "certificate": certificate, "key": key})


class NbdHosts(Hosts):
    """Hosts that are known by their certificate's name."""

    checks_names = False

    def host_grant(self, mode: AccessMode = AccessMode.READ_WRITE, shared: bool = False) -> Grant:
        host = str(uuid.uuid4())
        return Grant(str(uuid.uuid4()), host, mode, shared=shared, subject=client_name(host))

    def connect(self, connection: Connection, grant: Grant) -> NbdClient:
        return NbdClient(connection)
