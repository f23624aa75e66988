"""The kinds of events that are posted to vCenters, and the alarms that hear them.

Plain data: `registration` offers it, `alarms` defines it, `herald` posts it. The texts are `event.NAME` and
`alarm.NAME.name` and `.description` of the plugin's texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..registration.identity import KEY

FOLDER = "Folder"
"""The type of the inventory's root, on which is told what is about no datastore or host of the vCenter."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event. `severity` is vCenter's word for it; `colour` what its alarm turns to, empty without an
    alarm. `arguments` are what its text names."""

    name: str
    severity: str
    arguments: tuple[str, ...]
    colour: str = ""

    @property
    def type_id(self) -> str:
        """What it is called in a vCenter."""
        return f"{KEY}.{self.name}"


_POOL = ("name", "pool", "percent")
_VOLUME = ("name", "volume", "system", "reason")

FILLING = Kind("pool.filling", "warning", _POOL, "yellow")
FULL = Kind("pool.full", "error", _POOL, "red")
RELIEVED = Kind("pool.relieved", "info", ("name",), "green")
OVERSUBSCRIBED = Kind("pool.oversubscribed", "warning", _POOL, "yellow")
COVERED = Kind("pool.covered", "info", ("name",), "green")
LOST = Kind("storage.lost", "error", ("name", "system", "reason"), "red")
BACK = Kind("storage.back", "info", ("name",), "green")
VOLUME_ERROR = Kind("volume.error", "error", _VOLUME, "red")
VOLUME_GONE = Kind("volume.gone", "error", _VOLUME, "red")
VOLUME_WELL = Kind("volume.well", "info", ("name",), "green")
STALE_HOSTS = Kind("host.stale", "warning", ("name", "hosts"), "yellow")
TIDY_HOSTS = Kind("host.tidy", "info", ("name",), "green")
ATTENTION = Kind("operation.attention", "warning", ("name", "action", "operation", "reason"), "yellow")
SETTLED = Kind("operation.settled", "info", ("name",), "green")
FAILED = Kind("operation.failed", "error", ("name", "action", "operation", "reason"))


@dataclass(frozen=True, slots=True)
class Alarm:
    """A rule on objects of the types `on`, one definition for each: the worse kinds colour, `calm` makes it green."""

    name: str
    on: tuple[str, ...]
    worse: tuple[Kind, ...]
    calm: Kind

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All that it hears."""
        return (*self.worse, self.calm)


ROOM = Alarm("room", ("Datastore",), (FILLING, FULL), RELIEVED)
PROMISE = Alarm("promise", ("Datastore",), (OVERSUBSCRIBED,), COVERED)
STORAGE = Alarm("storage", ("Datastore",), (LOST,), BACK)
VOLUME = Alarm("volume", ("Datastore",), (VOLUME_ERROR, VOLUME_GONE), VOLUME_WELL)
HOSTS = Alarm("hosts", (FOLDER,), (STALE_HOSTS,), TIDY_HOSTS)
OPERATIONS = Alarm("operations", ("Datastore", "HostSystem", FOLDER), (ATTENTION,), SETTLED)

ALARMS = (ROOM, PROMISE, STORAGE, VOLUME, HOSTS, OPERATIONS)
KINDS = (*(kind for alarm in ALARMS for kind in alarm.kinds), FAILED)
BY_NAME = {kind.name: kind for kind in KINDS}
SPOKEN = frozenset({"action", "reason"})
"""Arguments that are sentences in the vCenter's own language, or in the words of a storage system."""
