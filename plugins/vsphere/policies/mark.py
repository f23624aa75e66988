"""What is ours among the tags and storage policies of a vCenter, and whose it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..registration.identity import KEY

CATEGORY = "Isthmus profile"
_MARK = re.compile(rf"\[{re.escape(KEY)} (?P<system>[^/\s]+)/(?P<profile>[^\]]+)\]$")
CATEGORY_TEXT = f"The profile of the volume behind a datastore. Kept by Isthmus. [{KEY}]"
CATEGORY_MARK = f"[{KEY}]"


@dataclass(frozen=True, slots=True)
class Key:
    """A profile: of which storage system, by its id there. It stays when the profile is renamed."""

    system: str
    profile: str

    @classmethod
    def of(cls, description: str) -> Key | None:
        """The profile that a tag or policy with this description stands for; None for what is not ours."""
        found = _MARK.search(description)
        return cls(found["system"], found["profile"]) if found else None

    @property
    def text(self) -> str:
        """The description that says so."""
        return f"Kept by Isthmus: a profile of the storage system {self.system}. [{KEY} {self.system}/{self.profile}]"
