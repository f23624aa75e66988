"""What a view is made from: who looks, at what, and what this one may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ....adapters.contract import Storage
from ....core.context import Context
from ....core.errors import IsthmusError, NotFound, Unavailable
from ....ui_bridge.block import Block, Cell, Level, Notice, text, thing
from ....ui_bridge.objects import ObjectId
from ..actions.declared import DECLARED
from ..actions.desk import Seat
from ..events.memory import Memory
from ..inventory.inventory import Inventory
from ..inventory.item import Item, Reference
from ..reasons import because
from ..vcenters.privileges import ADMINISTER, stands_for
from .asking import Answers, Asking
from .users import Users
from .words import Words

MOST_ROWS = 200
"""So many rows a table shows at most."""
_FIRST_SECONDS = 5.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Scene:
    """One look at one page. The inventory is read as the service account, so `items` leaves out what the reader may not
    see there; systems are asked as the reader. `memory` is what the vCenter was told; `host_rules` are the plug-in's
    setting."""

    words: Words
    seat: Seat
    inventory: Inventory
    asking: Asking
    users: Users
    memory: Memory
    host_rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        return self.seat.context

    @property
    def target(self) -> ObjectId:
        """What is looked at; without a type it is the vCenter."""
        return self.seat.target

    @property
    def subject(self) -> Reference:
        return Reference(self.target.kind, self.target.moid)

    def may(self, privilege: str) -> bool:
        """Whether the reader stands for a privilege of the plug-in's. It says what a page offers; the core decides."""
        return stands_for(self.context.roles, privilege)

    def ask(self, work: Callable[[str, Storage], Answer], *, only: str | None = None) -> Answers[Answer]:
        """The storage systems, as the reader."""
        return self.asking.each(self.context, work, only=only)

    def item(self) -> Item:
        """What is looked at; raises `NotFound`, also when the reader may not see it, and `Unavailable`."""
        self.inventory.complete(_FIRST_SECONDS)
        found = self.seen([self.inventory.get(self.subject)])
        if not found:
            raise because(NotFound, "object-gone")
        return found[0]

    def items(self, kind: str) -> list[Item]:
        """The objects of a type that the reader may see, by name; raises `Unavailable`."""
        self.inventory.complete(_FIRST_SECONDS)
        return self.seen(self.inventory.all(kind))

    def named(self, references: Iterable[Reference]) -> list[Item]:
        """Those of the objects that are there and that the reader may see."""
        self.inventory.complete(_FIRST_SECONDS)
        return self.seen(self._there(references))

    def seen(self, items: Sequence[Item]) -> list[Item]:
        """Those that the reader may see, asked at once."""
        if not items or self.seat.session is None:
            return list(items)
        from .visible import visible

        references = [each.reference for each in items]
        mine = self.seat.ask(lambda connection, who: visible(connection, references))
        return [each for each in items if each.reference in mine]

    def cell(self, item: Item) -> Cell:
        """An object, to go there."""
        return thing(self.urn(item.reference), item.name)

    def urn(self, reference: Reference) -> str:
        return str(ObjectId(reference.kind, reference.moid, self.target.guid))

    def cells(self, items: Collection[Item]) -> Cell:
        """One object to go there, or the names of several."""
        if len(items) == 1:
            return self.cell(next(iter(items)))
        return text(", ".join(each.name for each in items))

    def actions(self, kind: str, taking: str = "") -> list[str]:
        """What the reader may do to objects of a type; with `taking` only what takes this field as input."""
        return [
            each.id
            for each in DECLARED
            if kind in each.kinds
            and self.may(each.privilege)
            and (not taking or taking in each.input.get("properties", {}))
        ]

    def warnings(self, answers: Answers[Answer]) -> list[Block]:
        """What is missing on the page, because a system or the vCenter does not answer now."""
        found: list[Block] = [self.silent(name, error) for name, error in answers.silent.items()]
        return [*self.stale(), *found]

    def silent(self, name: str, error: IsthmusError) -> Notice:
        """That a system does not answer. What it said is for those who run it."""
        if not self.may(ADMINISTER):
            return self.words.notice(Level.WARNING, "silent", system=name)
        message, cure = self.words.told(error)
        return Notice(Level.WARNING, self.words("silent.because", system=name, said=message), cure)

    def stale(self) -> list[Block]:
        """That the inventory is not fed now."""
        if not self.inventory.reason:
            return []
        vcenter = self.seat.reach.vcenter.name
        return [self.words.notice(Level.WARNING, "stale", vcenter=vcenter, said=self.inventory.reason)]

    def _there(self, references: Iterable[Reference]) -> list[Item]:
        found = []
        for each in references:
            try:
                found.append(self.inventory.get(each))
            except NotFound:
                continue
        return found


def inventoried(scene: Scene, kind: str) -> tuple[list[Item], list[Block]]:
    """The objects of a type, or why there are none to be shown."""
    try:
        return scene.items(kind), []
    except Unavailable as error:
        message, cure = scene.words.told(error)
        return [], [Notice(Level.WARNING, message, cure)]
