"""Which disks of a host are volumes of a storage system here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError, NotOffered
from ..actions.stage import everything


class OurDisks:
    """Asks every system on behalf of somebody, each disk once. `silent` names the systems that did not answer: their
    disks are not known to be ours."""

    def __init__(self, systems: Mapping[str, Adapter], context: Context) -> None:
        self._systems = systems
        self._context = context
        self._known: dict[str, bool] = {}
        self.silent: set[str] = set()

    def __call__(self, disks: Iterable[str]) -> frozenset[str]:
        """Those of them that are ours."""
        asked = list(disks)
        for disk in asked:
            if disk not in self._known:
                self._known[disk] = any(self._has(name, disk) for name in self._systems)
        return frozenset(disk for disk in asked if self._known[disk])

    def _has(self, system: str, disk: str) -> bool:
        if system in self.silent:
            return False
        try:
            storage = self._systems[system].storage(self._context)
            return next(iter(everything(storage.volumes.list, identifier=disk)), None) is not None
        except NotOffered:
            return False
        except IsthmusError:
            self.silent.add(system)
            return False
