"""The main process: it holds the port and keeps workers alive. It imports little and starts no threads of ours."""

from __future__ import annotations

import logging
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.log import LogLevels
from granian.server.mp import MPServer

from ..settings import Configuration
from . import logs
from .certificates import files_of
from .worker import HOPELESS, Compose, Plan, load, work

_log = logging.getLogger(__name__)

KILL_SECONDS = 4
"""How long a worker may take to end after SIGTERM."""

_YOUNG = 10.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


class Supervisor(MPServer):
    """granian's main process, but for two things: a worker that keeps dying is brought back with growing pauses
    instead of ending the server; and one that says that no restart helps ends it, unless it has served before."""

    def __init__(self, configuration: Configuration) -> None:
        files = files_of(configuration)
        tls = configuration.tls.mode != "off"
        super().__init__(
            "isthmus",
            address=configuration.listen.host,
            port=configuration.port,
            interface=Interfaces.WSGI,
            workers=configuration.listen.workers,
            blocking_threads=configuration.listen.threads,
            http=HTTPModes.auto if tls else HTTPModes.http1,
            websockets=False,
            # Its messages of lower levels say what ours say, in the words of another program.
            log_level=LogLevels.debug if configuration.log.level == "debug" else LogLevels.warning,
            log_dictconfig=logs.of_web_server(),
            ssl_cert=files.certificate if tls else None,
            ssl_key=files.key if tls else None,
            ssl_protocol_min=SSLProtocols.tls12,
            respawn_failed_workers=True,
            workers_kill_timeout=KILL_SECONDS,
        )
        self._configuration = configuration
        self._pause = 0.0
        self._has_served = False
        self.hopeless = False

    def build_ssl_context(self, cert: Path | None, key: Path | None, *options: Any) -> None:
        """As granian does, except on the first start, when the worker will make the files before it reads them."""
        if cert is None or key is None or (cert.exists() and key.exists()):
            super().build_ssl_context(cert, key, *options)
        else:
            super().build_ssl_context(None, None, *options)
            self.ssl_ctx = (True, str(cert), str(key), *self.ssl_ctx[3:])  # type: ignore[assignment]

    def run(self, compose: Compose) -> int:
        """Serve until told to stop; returns the exit code of the server."""
        plan = Plan(self._configuration, os.getpid(), compose, MPServer._spawn_wsgi_worker)
        self.serve(spawn_target=partial(work, plan), target_loader=load, wrap_loader=False)
        return 1 if self.hopeless else 0

    def _respawn_workers(self, workers: list[int], *arguments: Any, **options: Any) -> None:
        for index in workers:
            died = self.wrks[index]
            process = died.inner
            if not process.is_alive():
                code = process.exitcode
                young = time.monotonic() - died.birth < _YOUNG
                self._has_served |= not young
                if code == HOPELESS and not self._has_served:
                    self.hopeless = True
                    self.interrupt_signal = True
                    self.main_loop_interrupt.set()
                    return
                self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE) if young else 0.0
                _log.error("worker %s ended (%s); starting another", process.pid, _ended(code))
                if self.main_loop_interrupt.wait(self._pause) and self.interrupt_signal:
                    return
        super()._respawn_workers(workers, *arguments, **options)
        # What granian takes for a crash loop is dealt with above.
        self.respawned_wrks.clear()


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
