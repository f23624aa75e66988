"""The server as plugins know it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from ... import __version__
from ...core.context import Context
from ...core.model.description import Extension, Finding
from ...core.security.policy import authorise
from ...core.telemetry.metrics import Metrics
from ..contract import StopSignal
from ..manager import Manager
from ..places import Places
from ..settings import Configuration
from . import certificates
from .application import Mounts

_log = logging.getLogger(__name__)


class Shell:
    """The server as plugins know it (`contract.Server`), before there is an engine in it."""

    def __init__(self, configuration: Configuration, manager: Manager, stopping: StopSignal) -> None:
        self._configuration = configuration
        self.manager = manager
        self.stopping = stopping
        self.table = Mounts()
        self.version = __version__
        self.node = configuration.node
        self.telemetry = Metrics(version=self.version, node=self.node)
        self.address = configuration.url
        self.host = configuration.listen.host
        self.streams = configuration.streams
        self.places = Places(configuration.places)
        self.body_limit = configuration.listen.body_limit
        self.questions: dict[str, Callable[[], Sequence[Finding]]] = {}

    def mounts(self) -> Mapping[str, str]:
        return self.table.table()

    def vouches(self, certificate: str) -> bool:
        return certificates.vouches(self._configuration, certificate.encode())

    def extensions(self) -> Sequence[Extension]:
        return self.manager.list()

    def metrics(self, context: Context | None = None) -> tuple[bytes, str]:
        if context is not None:
            authorise(context, "metrics:read", None)
        return self.telemetry.exposed()

    def ready(self) -> Sequence[Finding]:
        found: list[Finding] = []
        if self.stopping.is_set():
            found.append(Finding("server", "error", "The server is stopping."))
        return [*found, *self.answers(self.questions)]

    def answers(self, names: Iterable[str]) -> Sequence[Finding]:
        """What these parts say of themselves. Raises nothing: what cannot be asked is an error."""
        found: list[Finding] = []
        for name, ask in [(name, self.questions[name]) for name in list(names)]:
            try:
                found += ask()
            except Exception as error:
                _log.exception("%s could not say whether it is ready", name)
                found.append(Finding(name, "error", f"It could not be asked: {type(error).__name__}."))
        return found
