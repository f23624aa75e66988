"""What things of this installation's storage are called, which operations and events know by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ....adapters.contract import Storage
from ....plugin_manager.contract import LOCAL_SYSTEM
from .asking import tried
from .scene import Scene

Thing = tuple[str, str]
"""A type (`volume`) and an id."""


_READ: Mapping[str, Callable[[Storage], Any]] = {
    "volume": lambda storage: storage.volumes,
    "snapshot": lambda storage: storage.snapshots,
    "host": lambda storage: storage.hosts,
}


def names(scene: Scene, things: Iterable[Thing]) -> Mapping[Thing, str]:
    """Those of them that are there, that have a name, and that the reader may read."""
    wanted = {each for each in things if each[0] in _READ}
    if not wanted:
        return {}
    return scene.ask(lambda _, storage: _asked(storage, wanted), only=LOCAL_SYSTEM).found.get(LOCAL_SYSTEM, {})


def _asked(storage: Storage, things: Iterable[Thing]) -> Mapping[Thing, str]:
    found = {}
    for kind, identifier in things:
        thing = tried(partial(_READ[kind](storage).get, identifier))
        if thing is not None:
            found[kind, identifier] = thing.name
    return found
