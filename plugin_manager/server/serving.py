"""`isthmus serve`: one server on one state folder, from the lock to the last worker's end."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

from ...core.errors import IsthmusError, Misconfigured
from ..configuration import is_loopback
from ..settings import Configuration
from . import logs
from .certificates import files_of
from .kinship import die_with
from .lock import StateLock
from .worker import Compose

_log = logging.getLogger(__name__)

Prepare = Callable[[Configuration], None]


def serve(configuration: Configuration, *, compose: Compose, prepare: Prepare) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    `prepare` makes the certificate where there is none yet, in a process of its own, so that this one stays small.
    Raises `Conflict` when another server has the state folder, `Misconfigured` when something must be set right.
    """
    logs.configure(configuration.log.level, configuration.log.format)
    _refuse_open_http(configuration)
    lock = StateLock(configuration.state)
    lock.acquire()
    try:
        _check_port(configuration)
        waiting = _start_preparing(configuration, prepare)
        # Imported while the other process prepares.
        from .supervisor import Supervisor

        if waiting is not None:
            _finish_preparing(*waiting)
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


def _check_port(configuration: Configuration) -> None:
    """Raise `Misconfigured` unless the port is free: workers share theirs, so a stranger would go unnoticed."""
    host, port = configuration.listen.host, configuration.port
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
            next_step="Stop the other program, or set listen.host and listen.port.",
        ) from None


def _start_preparing(
    configuration: Configuration, prepare: Prepare
) -> tuple[multiprocessing.process.BaseProcess, Connection] | None:
    if configuration.tls.mode == "off" or files_of(configuration).complete:
        return None
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_prepare, args=(configuration, prepare, os.getpid(), sender), name="isthmus-prepare"
    )
    process.start()
    sender.close()
    return process, receiver


def _prepare(configuration: Configuration, prepare: Prepare, parent: int, sender: Connection) -> None:
    die_with(parent)
    try:
        prepare(configuration)
    except IsthmusError as error:
        sender.send(error.to_json())
        sys.exit(1)
    sender.send(None)


def _finish_preparing(process: multiprocessing.process.BaseProcess, receiver: Connection) -> None:
    try:
        said = receiver.recv()
    except EOFError:
        said = {"code": "internal", "message": "The first start failed.", "next_step": "The log says why."}
    process.join()
    if said is not None:
        raise IsthmusError.from_json(said)
