"""A plug-in as the browser's side meets it: two actions on barns, one on nothing, and what the platform says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isthmus.core.context import Context
from isthmus.core.errors import Conflict, IsthmusError, NotFound
from isthmus.core.model.operation import Operation
from isthmus.plugin_manager.action import Action, Call, Choice
from isthmus.ui_bridge.api.course import Course
from isthmus.ui_bridge.block import Block, Level, Notice
from isthmus.ui_bridge.locale import Texts
from isthmus.ui_bridge.manifest import Surface
from isthmus.ui_bridge.objects import ObjectId
from isthmus.ui_bridge.platform import Admission, Operations, Sender, Whereabouts
from isthmus.ui_bridge.view import View

BARN = "urn:vmomi:Datastore:datastore-1:guid-1"
OTHER = "urn:vmomi:Datastore:datastore-2:guid-1"


def _done(call: Call) -> Mapping[str, Any]:
    return {}


GROW = Action(
    "barn-grow",
    "Grow a barn",
    "volume:extend",
    kinds=("Datastore",),
    privilege="Farm.Grow",
    run=_done,
    summary="More <stalls>.",
    input={"type": "object", "properties": {"by": {"description": "How much"}}},
)
RAZE = Action("barn-delete", "Raze a barn", "volume:delete", kinds=("Datastore", "HostSystem"), run=_done)
LIST = Action("barns", "List barns", "volume:read", run=_done)
VIEWS = (View("overview"), View("barn", "Datastore", "summary"), View("stalls", "Datastore", "monitor"))
OWN = {
    "plugin.name": "Farm",
    "view.overview.title": "Farm",
    "view.overview.summary": "All barns.",
    "view.barn.title": "Barn",
    "view.barn.summary": "A barn.",
    "view.stalls.title": "Stalls",
    "view.stalls.summary": "The stalls.",
    "action.barn-grow.title": "Grow a barn",
    "action.barn-delete.title": "Raze a barn",
}


def surface(**more: str) -> Surface:
    """All of it, in three languages: `de: Farm` and so on."""
    known = Texts.load("isthmus.ui_bridge").by_language
    texts = {
        name: {**found, **{key: text if name == "en" else f"{name}: {text}" for key, text in {**OWN, **more}.items()}}
        for name, found in known.items()
    }
    return Surface("farm", (GROW, RAZE, LIST), VIEWS, Texts(texts))


@dataclass(slots=True)
class Farm:
    """`Platform` and `Actions`: `missing` privileges, `reasons` why not by action, `error` for whoever asks."""

    plugin: str = "farm"
    version: str = "1.2"
    missing: frozenset[str] = frozenset()
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    planned: Mapping[str, Any] = field(default_factory=dict)
    bounded: Mapping[str, Mapping[str, Any]] | IsthmusError = field(default_factory=dict)
    outcome: Mapping[str, Any] | Operation | Exception = field(default_factory=dict)
    journal: Operations | None = None

    def admit(self, sender: Sender, target: ObjectId, privileges: Sequence[str], request_id: str) -> Admission:
        self.asked.append((sender.token, str(target)))
        if self.error is not None:
            raise self.error
        context = Context("t1", sender.token, frozenset({"member"}))
        return Admission(context, self.missing & frozenset(privileges))

    def identify(self, sender: Sender, guid: str, request_id: str) -> Context:
        return Context("t1", sender.token, frozenset({"reader"}))

    def place(self, sender: Sender, target: ObjectId, admission: Admission) -> Whereabouts:
        return Whereabouts("Barn 1", "vc.example.test", "Keepers")

    def told(self, error: IsthmusError, locale: str) -> tuple[str, str] | None:
        return None

    def course(self, action: str) -> Course:
        return Course(("announce", "dig", "fill", "look"), "fill") if action == GROW.id else Course(())

    def operations(self, context: Context) -> Operations:
        if self.journal is None:
            raise NotFound("There are no operations.")
        return self.journal

    def lacking(self, context: Context, verb: str) -> str | None:
        return "Farm.Work" if context.roles == {"reader"} else None

    def names(self, context: Context, document: Mapping[str, Any]) -> Mapping[str, str]:
        return {"field-1": "The long field"}

    def content(self, view: str, admission: Admission, target: ObjectId, locale: str) -> Sequence[Block]:
        if view != "barn":
            raise NotFound(f"There is no page {view}.")
        return (Notice(Level.INFO, f"{target} for {admission.context.user}"),)

    def check(self, plugin: str, action: str, call: Call) -> IsthmusError | None:
        assert plugin == "farm" and call.input == {}
        reason = self.reasons.get((action, call.subject.id if call.subject else ""))
        return None if reason is None else Conflict(reason)

    def choices(self, plugin: str, action: str, field: str, call: Call) -> Sequence[Choice]:
        self.calls.append(call)
        if field != "by":
            raise NotFound(field)
        return (Choice(3, "Three", {"free": 3 << 30, "open": False, "whole": True}), Choice(5, "Five"))

    def bounds(self, plugin: str, action: str, call: Call) -> Mapping[str, Mapping[str, Any]]:
        assert (plugin, call.input) == ("farm", {}) and call.subject is not None
        if isinstance(self.bounded, IsthmusError):
            raise self.bounded
        return self.bounded

    def list(self, *, kind: str | None = None) -> Sequence[tuple[str, Action]]:
        return [("farm", each) for each in (GROW, RAZE, LIST)]

    def get(self, plugin: str, action: str) -> Action:
        raise NotFound(action)

    def plan(self, plugin: str, action: str, call: Call) -> Mapping[str, Any]:
        self.calls.append(call)
        return self.planned

    def invoke(self, plugin: str, action: str, call: Call) -> Mapping[str, Any] | Operation:
        self.calls.append(call)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome
