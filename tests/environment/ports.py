"""Ports for servers that a test starts."""

from __future__ import annotations

import itertools
import os
import random
import socket

_FIRST, _EACH, _SHARES = 20_000, 3_000, 4
_TURN = itertools.count(random.randrange(_EACH))


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now.

    It lies below those that the kernel hands out by itself, in the share of this worker: between this answer and the
    moment when a server listens there, neither a client nor another worker's server gets it.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    share = int(worker.removeprefix("gw")) % (_SHARES - 1) if worker.startswith("gw") else _SHARES - 1
    for _ in range(_EACH):
        port = _FIRST + share * _EACH + next(_TURN) % _EACH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
