"""PropertyFilter: one FilterSpec, and what a client of it knows at a version."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import values
from ..collection import Contents, Missing, Plan, missing_properties
from ..managed import Managed
from ..registry import vmodl
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session
    from .property_collector import PropertyCollector

_Update = vmodl.query.PropertyCollector.ObjectUpdate
_Change = vmodl.query.PropertyCollector.Change


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a client has been told: objects and their contents, as of a version of the model."""

    selected: dict[str, Managed] = field(default_factory=dict)
    contents: dict[str, Contents] = field(default_factory=dict)
    version: int = 0


class PropertyFilter(Managed):
    """Lives in its collector and ends with it."""

    KIND = vmodl.query.PropertyCollector.Filter

    def __init__(self, collector: PropertyCollector, moid: str, spec: Any, partial: bool, call: Call) -> None:
        self._collector = collector
        self._plan = Plan(collector.vc, spec, call.version)
        self._partial = partial
        super().__init__(collector.vc, moid, spec=spec, partialUpdates=partial)
        with self.vc.model.condition:
            self._plan.select(call.session)

    def DestroyPropertyFilter(self, call: Call) -> None:
        """A client that waits is told nothing: it named the filter itself."""
        self._collector.drop_filter(self)

    def news(self, known: Knowledge, session: Session, limit: int) -> tuple[list[Any], Knowledge, bool]:
        """At most `limit` updates for a client that knows `known`, what it knows then, and whether there are more.
        Under the model's lock."""
        model = self.vc.model
        if known.version == model.version:
            return [], known, False
        moved = known.version <= 0 or model.structure > known.version
        selected = self._plan.select(session, forgive=True) if moved else known.selected
        everything = model.reread > known.version
        contents = known.contents
        updates: list[Any] = []
        for update, moid, told in self._updates(known, selected, session, everything):
            if len(updates) >= limit:
                # The version stays the old one: what is left compares as changed next time, what was told as known.
                return updates, Knowledge({**known.selected, **selected}, contents, known.version or -1), True
            if contents is known.contents:
                contents = dict(known.contents)
            if told is None:
                contents.pop(moid)
            else:
                contents[moid] = told
            updates.append(update)
        return updates, Knowledge(selected, contents, model.version), False

    def _updates(
        self, known: Knowledge, selected: dict[str, Managed], session: Session, everything: bool
    ) -> Iterator[tuple[Any, str, Contents | None]]:
        for moid, managed in selected.items():
            before = known.contents.get(moid)
            if before is None:
                after = self._plan.contents(managed, session)
                yield self._entered(managed, after, session), moid, after
            elif everything or managed.changed > known.version or managed.always_read:
                after = self._plan.contents(managed, session)
                update = self._modified(managed, before, after, session)
                if update is not None:
                    yield update, moid, after
        for moid in known.contents:
            if moid not in selected:
                yield _Update(kind="leave", obj=known.selected[moid].ref), moid, None

    def _entered(self, managed: Managed, contents: Contents, session: Session) -> Any:
        changes = [
            _Change(name=path, op="assign", val=value)
            for path, value in contents.items()
            if not isinstance(value, Missing)
        ]
        missing = missing_properties(managed, contents, session)
        return _Update(kind="enter", obj=managed.ref, changeSet=changes, missingSet=missing)

    def _modified(self, managed: Managed, before: Contents, after: Contents, session: Session) -> Any | None:
        changes: list[Any] = []
        missing: Contents = {}
        for path in {**before, **after}:
            old, new = before.get(path), after.get(path)
            if isinstance(new, Missing):
                if old != new:
                    missing[path] = new
                continue
            if isinstance(old, Missing):
                old = None
            for each in self._differences(path, old, new):
                changes.append(_Change(name=each.path, op=each.operation, val=each.value))
        if not changes and not missing:
            return None
        told = missing_properties(managed, missing, session)
        return _Update(kind="modify", obj=managed.ref, changeSet=changes, missingSet=told)

    def _differences(self, path: str, old: Any, new: Any) -> Iterator[values.Difference]:
        if self._partial:
            yield from values.differences(path, old, new)
        elif not values.same(old, new):
            yield values.Difference(path, "remove" if new is None else "assign", new)
