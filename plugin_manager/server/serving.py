"""`isthmus serve`: one server on one state folder, from the lock to the last worker's end."""

from __future__ import annotations

import errno
import logging
import os
import socket

from ...core.errors import Misconfigured
from ..configuration import is_loopback
from ..settings import Configuration
from . import logs
from .lock import StateLock
from .supervisor import Supervisor
from .worker import Compose

_log = logging.getLogger(__name__)


def serve(configuration: Configuration, compose: Compose) -> int:
    """Serve what `compose` builds in each worker until SIGTERM or SIGINT; returns the exit code.

    Raises `Conflict` when another server has the state folder, `Misconfigured` when the port cannot be had. What a
    worker finds wrong it logs; the exit code is then 1.
    """
    logs.configure(configuration.log.level, configuration.log.format)
    _refuse_open_http(configuration)
    lock = StateLock(configuration.state)
    lock.acquire()
    try:
        for key in ("port", "redirect_port"):
            _check_port(configuration, key)
        supervisor = Supervisor(configuration)
        _log.info("serving %s (process %s)", configuration.url, os.getpid())
        return supervisor.run(compose)
    finally:
        lock.release()


def _refuse_open_http(configuration: Configuration) -> None:
    """Whoever made this configuration: nobody serves secrets in the clear to a network."""
    if configuration.tls.mode == "off" and not is_loopback(configuration.listen.host):
        raise Misconfigured(
            f"Plain HTTP is only offered on loopback, not on {configuration.listen.host}.",
            next_step="Leave tls.mode at own, or listen on 127.0.0.1 behind a proxy that speaks TLS.",
        )


def _check_port(configuration: Configuration, key: str) -> None:
    """Raise `Misconfigured` unless the port is free: workers share theirs, so a stranger would go unnoticed."""
    host, port = configuration.listen.host, getattr(configuration.listen, key)
    if not port:
        return
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
    except socket.gaierror:
        raise Misconfigured(f"{host} is no address of this machine.", next_step="Set listen.host.") from None
    except OSError as error:
        reason = {
            errno.EADDRINUSE: "another program listens there",
            errno.EADDRNOTAVAIL: "this machine does not have the address",
            errno.EACCES: "ports below 1024 are for root",
        }.get(error.errno or 0, error.strerror)
        raise Misconfigured(
            f"{host} port {port} cannot be listened on: {reason}.",
            next_step=f"Stop the other program, or set listen.host and listen.{key}.",
        ) from None
