"""Plain HTTP is answered with one thing: where the same is to be had over TLS.

Nothing of a request counts but its first line and its `Host`; a body is not read. So no credential is ever looked at
here, and no session made (DSP0266, Security: HTTP may be offered to redirect to HTTPS).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import threading

from ..settings import Configuration

_log = logging.getLogger(__name__)

LONGEST_HEAD = 16 * 1024
"""The most bytes that a request's first line and headers may have."""
MOST_CONNECTIONS = 64
"""Connections at a time; further ones are closed at once."""
PATIENCE = 5.0
"""Seconds that a client has for its request."""

_FIRST_LINE = re.compile(r"[A-Z]{1,40} (?:http://[^/?#\s]*)?(/[\x21-\x7e]*) HTTP/1\.[01]")
_HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{0,5})?")
_LINGER = 1.0
_HTTPS = 443


class Redirect:
    """A listener at `place` with a thread of its own. `start` and `stop` once each."""

    def __init__(self, configuration: Configuration) -> None:
        self.place = (configuration.listen.host, configuration.listen.redirect_port)
        self._port = configuration.port
        self._url = configuration.url
        self._follow_host = not configuration.listen.public
        self._open = 0
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()

    def start(self) -> None:
        """Listen. A port that cannot be had is logged: what matters is served on another one."""
        try:
            listening = self._socket()
        except OSError as error:
            _log.error("plain HTTP is not redirected: port %s cannot be listened on: %s", self.place[1], error)
            return
        threading.Thread(target=self._run, args=(listening,), name="isthmus-redirect", daemon=True).start()

    def stop(self) -> None:
        """Listen no longer; what is not answered yet stays so."""
        with contextlib.suppress(RuntimeError):  # it never listened, or has ended before
            self._loop.call_soon_threadsafe(self._ended.set)

    def location(self, head: str) -> str | None:
        """Where a request with this first line and these headers belongs; None when it is not one.

        That is `listen.public` where it is set, else the host that the client named.
        """
        first, *lines = head.split("\r\n")
        line = _FIRST_LINE.fullmatch(first)
        hosts = [value.strip() for name, _, value in (each.partition(":") for each in lines) if name.lower() == "host"]
        named = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if line is None or len(hosts) > 1 or (hosts and named is None):
            return None
        if named is None or not self._follow_host:
            return self._url + line[1]
        return f"https://{named[1]}{'' if self._port == _HTTPS else f':{self._port}'}{line[1]}"

    def _socket(self) -> socket.socket:
        family, kind, protocol, _, place = socket.getaddrinfo(*self.place, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # The server's other workers listen there too.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind(place)
            listening.listen()
        except OSError:
            listening.close()
            raise
        return listening

    def _run(self, listening: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen(listening))

    async def _listen(self, listening: socket.socket) -> None:
        server = await asyncio.start_server(self._serve, sock=listening, limit=LONGEST_HEAD)
        await self._ended.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._open += 1
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(await self._answer(reader))
                writer.write_eof()
                # Closed with something unread, the connection would be reset, and the answer lost.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LINGER):
                        while await reader.read(LONGEST_HEAD):
                            continue
        except (OSError, EOFError, TimeoutError):
            pass
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _said("431 Request Header Fields Too Large")
        where = self.location(head[:-4].decode("latin-1"))
        return _said("400 Bad Request") if where is None else _said("308 Permanent Redirect", f"Location: {where}\r\n")


def _said(status: str, more: str = "") -> bytes:
    lines = f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"
    return lines.encode("latin-1")
