"""A page of ours inside the platform's client."""

from __future__ import annotations

from dataclasses import dataclass

PLACES = ("summary", "monitor", "configure")


@dataclass(frozen=True, slots=True)
class View:
    """`kind` and `place` say where it is shown: on objects of that type, as card (`summary`) or page; without a kind
    it is the plug-in's own page. Its texts are `view.ID.title` and `view.ID.summary`."""

    id: str
    kind: str = ""
    place: str = ""

    def __post_init__(self) -> None:
        if bool(self.kind) != bool(self.place) or self.place not in ("", *PLACES):
            raise ValueError(f"view {self.id}: a type of object and one of {', '.join(PLACES)}, or neither")

    @property
    def title(self) -> str:
        """The key of its title."""
        return f"view.{self.id}.title"

    @property
    def summary(self) -> str:
        """The key of the sentence under the title."""
        return f"view.{self.id}.summary"
