"""A worker process: it builds the server, answers requests, and stops in order when it is told to."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ...core.errors import IsthmusError, StorageError, Unavailable
from ..contract import Application, StopSignal
from ..settings import Configuration
from . import logs
from .kinship import die_with

_log = logging.getLogger(__name__)

HOPELESS = 78
"""The exit code of a worker that no restart would help (EX_CONFIG of sysexits.h)."""

DRAIN_SECONDS = 3.0
"""How long a stopping worker lets requests and operations come to a good place."""

PRIVATE = 0o066
"""The umask: nobody else reads a file; folders let the accounts of daemons pass through to what is theirs."""

_GARBAGE = 10_000
"""How many more objects than before there must be before the youngest are looked through."""

_NEEDLESS = ("rfc3987_syntax", "rfc3986_validator", "isoduration", "webcolors", "pygments")
_STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})


class Served(Protocol):
    """What a worker serves; `Composition` in a real server."""

    @property
    def application(self) -> Application: ...

    def start(self) -> None: ...

    def stop(self, drain: float) -> None: ...


Compose = Callable[[Configuration, StopSignal], Served]
"""Builds what is served; a function or class at the top of a module, since it may be pickled for the worker."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker must know. `main` is the process it belongs to, `answer` what runs the web server in it."""

    configuration: Configuration
    main: int
    compose: Compose
    answer: Callable[..., None]


def load() -> Application:
    """Stands for the application until the worker has built it."""
    raise RuntimeError("the application is built in the worker")


def work(plan: Plan, *arguments: Any) -> None:
    """The life of a worker: `arguments` are the web server's own, with `load` among them."""
    # A signal that comes while the server is being built ends the process at once: everything is made to be killed.
    for number in _STOPPING:
        signal.signal(number, signal.SIG_DFL)
    os.umask(PRIVATE)
    die_with(plan.main)
    logs.configure(plan.configuration.log.level, plan.configuration.log.format)
    worker = _Worker(plan)
    plan.answer(*(worker.load if argument is load else argument for argument in arguments))
    worker.finish()


class _Worker:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stopping = threading.Event()
        self._served: Served | None = None
        self._stopper = threading.Thread(target=self._wait, name="isthmus-stop", daemon=True)
        self._ears, self._mouth = socket.socketpair()

    def load(self) -> Application:
        """Build what is served and start it."""
        # jsonschema takes in a grammar compiler (two seconds, 20 MB) and more for formats that no schema of ours
        # uses, wherever some other package happened to install them; Alembic's templates colour their errors.
        for module in _NEEDLESS:
            sys.modules.setdefault(module, None)  # type: ignore[arg-type]
        # Nearly all that is made while starting stays: looking through it for garbage takes a tenth of the time.
        gc.disable()
        try:
            self._served = self._plan.compose(self._plan.configuration, self._stopping)
            self._served.start()
        except IsthmusError as error:
            _log.critical("the server cannot start: %s %s", error, error.next_step or "")
            sys.exit(1 if isinstance(error, Unavailable | StorageError) else HOPELESS)
        except Exception:
            _log.critical("the server cannot start", exc_info=True)
            sys.exit(HOPELESS)
        # What is there now is never garbage; requests leave few cycles, so that looking for them may wait for more.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE, *gc.get_threshold()[1:])
        gc.enable()
        self._listen()
        return self._served.application

    def finish(self) -> None:
        """The web server has ended: see to it that everything else has too."""
        self._stopping.set()
        self._mouth.send(bytes([signal.SIGTERM]))
        self._stopper.join(DRAIN_SECONDS + 1)
        logging.shutdown()

    def _listen(self) -> None:
        """Learn of signals beside the web server, which takes them for itself and waits for open streams.

        The interpreter writes the number of each signal to a socket, whoever handles it.
        """
        for end in (self._ears, self._mouth):
            end.setblocking(end is self._ears)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        self._stopper.start()

    def _wait(self) -> None:
        while not _STOPPING & set(self._ears.recv(64)):
            continue
        self._stopping.set()
        _log.info("stopping (process %s)", os.getpid())
        if self._served is None:
            return
        try:
            self._served.stop(DRAIN_SECONDS)
        except Exception:
            _log.exception("the server did not stop in order")
