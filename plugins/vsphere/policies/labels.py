"""Which tags there should be: one for each profile that the vCenter's tenant sees, in any storage system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    """The name of each profile's tag and policy. Of `silent` systems it is not known which profiles they have."""

    names: Mapping[Key, str]
    silent: frozenset[str]

    def known(self, key: Key) -> bool:
        """Whether it is known if there is such a profile: its system answered, or is not there any more."""
        return key.system not in self.silent


def labels(systems: Mapping[str, Adapter], context: Context) -> Labels:
    """Called as the profile is; those of other systems than this installation with the system behind. No two
    differ in small and capital letters alone: the later then has the beginning of its id behind."""
    names: dict[Key, str] = {}
    silent: set[str] = set()
    taken: set[str] = set()
    for system, adapter in systems.items():
        try:
            profiles = list(everything(adapter.storage(context).profiles.list))
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
    return Labels(names, frozenset(silent))
