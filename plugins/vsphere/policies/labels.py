"""Which tags there should be: one for each profile that the vCenter's tenant sees, in any storage system."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError, NotOffered
from ....plugin_manager.contract import LOCAL_SYSTEM
from ..actions.stage import everything
from .mark import Key

LONGEST = 80
"""Characters of the name of a storage policy."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The name of each profile's tag and policy. Of `silent` systems it is not known which profiles they have.

    `elsewhere` are profiles of other tenants: vCenters of one single sign-on domain have their tags in common, so what
    is not this tenant's may well be the other vCenter's.
    """

    names: Mapping[Key, str]
    silent: frozenset[str]
    elsewhere: frozenset[Key] = frozenset()
    absent: frozenset[str] | None = frozenset()
    """Systems that there are and that are not served now (disabled, say); None where nobody knows."""

    def only(self, keys: Collection[Key]) -> Labels:
        """Those of some profiles; the others are as if they were another tenant's."""
        kept = {key: name for key, name in self.names.items() if key in keys}
        return replace(self, names=kept, elsewhere=self.elsewhere | (self.names.keys() - kept.keys()))

    def gone(self, key: Key) -> bool:
        """Whether there certainly is no such profile any more, for nobody."""
        if key in self.names or key in self.elsewhere or key.system in self.silent:
            return False
        answered = any(key.system == each.system for each in (*self.names, *self.elsewhere))
        return answered or (self.absent is not None and key.system not in self.absent)


def labels(systems: Mapping[str, Adapter], context: Context) -> Labels:
    """Called as the profile is; those of other systems than this installation with the system behind. No two
    differ in small and capital letters alone: the later then has the beginning of its id behind."""
    names: dict[Key, str] = {}
    elsewhere: set[Key] = set()
    silent: set[str] = set()
    taken: set[str] = set()
    everybody = replace(context, roles=frozenset({"admin"}))
    for system, adapter in systems.items():
        try:
            profiles = list(everything(adapter.storage(context).profiles.list))
            elsewhere |= {Key(system, each.id) for each in everything(adapter.storage(everybody).profiles.list)}
        except NotOffered:
            continue
        except IsthmusError:
            silent.add(system)
            continue
        for each in profiles:
            suffix = "" if system == LOCAL_SYSTEM else f" ({system})"
            name = f"{each.name[: LONGEST - len(suffix)]}{suffix}"
            if name.lower() in taken:
                name = f"{name[: LONGEST - 11]} ({each.id[:8]})"
            taken.add(name.lower())
            names[Key(system, each.id)] = name
    return Labels(names, frozenset(silent), frozenset(elsewhere - names.keys()), _absent(systems, everybody))


def _absent(systems: Mapping[str, Adapter], context: Context) -> frozenset[str] | None:
    try:
        found = systems[LOCAL_SYSTEM].administration(context).systems
        return frozenset(each.name for each in everything(found.list)) - systems.keys()
    except (IsthmusError, KeyError):
        return None
