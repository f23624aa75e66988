"""What stands on the pages besides values, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ....core.errors import IsthmusError
from ....ui_bridge.block import Cell, Level, Notice, state
from ..actions.told import told
from ..reasons import texts

_LEVELS: Mapping[str, Level] = {
    "volume.available": Level.OK,
    "volume.error": Level.ERROR,
    "pool.available": Level.OK,
    "pool.unavailable": Level.ERROR,
    "pool.disabled": Level.WARNING,
    "system.healthy": Level.OK,
    "system.degraded": Level.WARNING,
    "system.failed": Level.ERROR,
    "system.unknown": Level.UNKNOWN,
    "system.disabled": Level.WARNING,
    "snapshot.available": Level.OK,
    "snapshot.error": Level.ERROR,
    "attachment.attached": Level.OK,
    "attachment.error": Level.ERROR,
    "operation.done": Level.OK,
    "operation.failed": Level.ERROR,
    "operation.needs_attention": Level.WARNING,
    "operation.abandoned": Level.WARNING,
    "host.connected": Level.OK,
    "host.disconnected": Level.ERROR,
    "host.notResponding": Level.ERROR,
    "host.maintenance": Level.WARNING,
    "datastore.accessible": Level.OK,
    "datastore.inaccessible": Level.ERROR,
    "disk.ok": Level.OK,
    "disk.off": Level.WARNING,
    "disk.error": Level.ERROR,
    "disk.lostCommunication": Level.ERROR,
    "adapter.online": Level.OK,
    "adapter.offline": Level.ERROR,
    "adapter.missing": Level.WARNING,
    "adapter.unknown": Level.UNKNOWN,
    "paths.well": Level.OK,
    "paths.some": Level.WARNING,
    "paths.none": Level.ERROR,
    "finding.error": Level.ERROR,
    "finding.warning": Level.WARNING,
    "findings.none": Level.OK,
}
"""How well a state is; all others are on the way to one of these."""


@dataclass(frozen=True, slots=True)
class Words:
    """Texts for one reader."""

    locale: str

    def __call__(self, key: str, /, **values: Any) -> str:
        """The text `shown.KEY`."""
        return texts().get(f"shown.{key}", self.locale, **values)

    def known(self, key: str, other: str) -> str:
        """The text `shown.KEY`, or `other` where there is none."""
        return self(key) if texts().has(f"shown.{key}") else other

    def listed(self, parts: Iterable[str]) -> str:
        """One after the other, as the language separates them."""
        return texts().get("phrase.separator", self.locale).join(parts)

    def title(self, action: str) -> str:
        """The name of what an operation does; its kind where that is no action of ours."""
        key = f"action.{action}.title"
        return texts().get(key, self.locale) if texts().has(key) else action

    def state(self, noun: str, value: str, said: str = "") -> Cell:
        """How something is: `volume`, `available`. `said` instead of the word for it."""
        name = f"{noun}.{value}"
        return state(_LEVELS.get(name, Level.INFO), said or self.known(f"state.{name}", value))

    def columns(self, *keys: str) -> list[tuple[str, str]]:
        """Columns of a table: their ids, each with its heading."""
        return [(key, self(key)) for key in keys]

    def told(self, error: IsthmusError) -> tuple[str, str]:
        """Cause and cure."""
        return told(error, self.locale) or (error.message, error.next_step or "")

    def notice(self, level: Literal[Level.INFO, Level.WARNING, Level.ERROR], key: str, **values: Any) -> Notice:
        """The text `shown.KEY`, with the cure `shown.KEY.cure` where there is one."""
        cure = self(f"{key}.cure", **values) if texts().has(f"shown.{key}.cure") else ""
        return Notice(level, self(key, **values), cure)
