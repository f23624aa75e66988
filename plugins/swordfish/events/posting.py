"""One message to one destination, within a bounded time, whatever the other side does."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, requote_uri

_CONNECT = 5.0
_PIECE = 16384
# What frames the message is not the subscriber's to say.
_OURS = frozenset({"connection", "content-length", "content-type", "expect", "te", "trailer", "transfer-encoding"})


def post(destination: str, body: bytes, headers: Mapping[str, str], *, verify: bool, seconds: float) -> str | None:
    """Send JSON to an http or https URL; None once it was taken (2xx), else what was wrong, without any secret.

    It is over after `seconds`, however slowly the destination takes, answers or drips; only the look-up of its name
    may take as long as the system's resolver does. Redirects are not followed, proxies not used.
    """
    others = {name: value for name, value in headers.items() if name.lower() not in _OURS}
    ours = {"Content-Type": "application/json;charset=utf-8", "Connection": "close"}
    try:
        parts = urlsplit(requote_uri(destination))
        connection = _Connection(parts, verify, _Deadline(seconds))
        try:
            connection.request("POST", _target(parts), body, {**others, **ours})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        return f"cannot be reached: {type(error).__name__}"
    return None if 200 <= status < 300 else f"answered {status}"


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; raises `TimeoutError` when none are."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left


class _Connection(HTTPConnection):
    """Each wait on its socket ends with the deadline. A timeout of the socket's own would begin anew with each byte."""

    def __init__(self, parts: SplitResult, verify: bool, deadline: _Deadline) -> None:
        super().__init__(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        self._context = _context(verify) if parts.scheme == "https" else None
        self._deadline = deadline

    def connect(self) -> None:
        made = _connected(self.host, self.port, self._deadline)
        try:
            if self._context is not None:
                # The handshake as a whole ends with the socket's timeout, and closes the socket when it fails.
                made.settimeout(self._deadline.left())
                made = self._context.wrap_socket(made, server_hostname=self.host)
        except BaseException:
            made.close()
            raise
        self.sock = cast(Any, _Bounded(made, self._deadline))


class _Bounded:
    """What a connection needs of a socket."""

    def __init__(self, inner: socket.socket, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._inner.settimeout(self._deadline.left())
            left = left[self._inner.send(left[:_PIECE]) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self._inner, self._deadline))

    def close(self) -> None:
        self._inner.close()


class _Reading(io.RawIOBase):
    def __init__(self, inner: socket.socket, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._inner.settimeout(self._deadline.left())
        return self._inner.recv_into(buffer)


def _connected(host: str, port: int, deadline: _Deadline) -> socket.socket:
    """A connection to the first of the host's addresses that takes one."""
    failed: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(min(_CONNECT, deadline.left()))
            made.connect(address)
            return made
        except OSError as error:
            made.close()
            failed = error
    raise failed


@lru_cache(maxsize=2)
def _context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
