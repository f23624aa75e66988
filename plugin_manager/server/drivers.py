"""A driver that is imported when the first back end uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.drivers.contract import Driver, DriverSetup
from ...core.runtime.live_backends import DriverFactory


class LazyDriver:
    """Stands for the driver factory that `load` gives; `load` may raise `Misconfigured`."""

    def __init__(self, name: str, load: Callable[[], DriverFactory]) -> None:
        self.name = name
        self._load = load

    @property
    def settings_schema(self) -> Mapping[str, Any]:
        return self._load().settings_schema

    def __call__(self, setup: DriverSetup) -> Driver:
        return self._load()(setup)
