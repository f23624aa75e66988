"""Objects of the platform's inventory, as its client names them."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.errors import Invalid
from ..plugin_manager.action import Subject


@dataclass(frozen=True, slots=True)
class ObjectId:
    """`urn:vmomi:TYPE:ID:GUID`: an object by its type and id at the vCenter with that GUID; without type and id the
    whole vCenter."""

    kind: str
    moid: str
    guid: str

    def __str__(self) -> str:
        return f"urn:vmomi:{self.kind}:{self.moid}:{self.guid}"

    @property
    def subject(self) -> Subject:
        """What an action on it is called with: the whole name, since ids alone recur from vCenter to vCenter."""
        return Subject(self.kind, str(self))

    @classmethod
    def whole(cls, guid: str) -> ObjectId:
        """All of a vCenter."""
        return cls("", "", guid)

    @classmethod
    def parse(cls, text: str) -> ObjectId:
        """Raises `Invalid`."""
        parts = text.split(":") if len(text) <= 512 else []
        if len(parts) != 5 or parts[:2] != ["urn", "vmomi"] or not all(parts):
            raise Invalid(
                f"{text[:80]!r} is no object of an inventory.",
                next_step="Name it as the client does: urn:vmomi:TYPE:ID:GUID.",
                field="objectIds",
            )
        return cls(*parts[2:])
