"""Which menu entries and pages are shown for what was clicked on, and why one is not.

The client waits with a spinner for this answer, so it comes in time whatever the platform does: from what was found a
moment ago, else from what was known last, else open: an action that turns out to be forbidden is refused when it is
used, where the reason is told as well.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ..core.errors import Forbidden, IsthmusError
from ..plugin_manager.action import Action, Actions, Call
from .api.problem import told
from .manifest import Surface
from .objects import ObjectId
from .platform import Admission, Platform, Sender

FRESH_SECONDS = 3.0
STALE_SECONDS = 120.0
DEADLINE_SECONDS = 0.8
_MOST = 4096
_AT_ONCE = 16
_TARGETS = 4
"""Where in a question's key the objects begin."""


@dataclass(frozen=True, slots=True)
class Item:
    """One menu entry or page. Not `visible`: greyed (entries) or hidden (pages). Not `relevant`: not there at all.
    `reason` says why, as a sentence."""

    id: str
    visible: bool = True
    relevant: bool = True
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"id": self.id, "visible": self.visible, "relevant": self.relevant}
        if self.reason:
            found["reason"] = self.reason
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """What the client asks: about which objects (of one type), for which place (`menu`, `monitor` …), by whom."""

    sender: Sender
    targets: tuple[ObjectId, ...]
    place: str
    locale: str
    request_id: str

    @property
    def key(self) -> tuple[str, ...]:
        """What an answer is remembered by; the token stands in it as a digest."""
        digest = hashlib.sha256(self.sender.token.encode("utf-8", "surrogatepass")).hexdigest()
        return (digest, self.sender.gateway, self.place, self.locale, *map(str, self.targets))


@dataclass(frozen=True, slots=True)
class _Known:
    items: tuple[Item, ...]
    at: float


class DynamicItems:
    """Answers in `deadline` seconds at most. Safe for many threads."""

    def __init__(
        self,
        platform: Platform,
        actions: Actions,
        surface: Surface,
        *,
        deadline: float = DEADLINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._platform, self._actions, self._surface = platform, actions, surface
        self._deadline, self._clock = deadline, clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, ...], _Known] = OrderedDict()
        self._asked: dict[tuple[str, ...], Future[tuple[Item, ...]]] = {}

    def answer(self, question: Question) -> tuple[Item, ...]:
        """The items; raises nothing of the platform's: what is wrong becomes the items' reason."""
        names = self._names(question)
        if not names:
            return ()
        if question.place == "menu" and len(question.targets) > 1:
            # Dialogs are about one object, so that nothing is done to one of several that were chosen.
            reason = self._surface.texts.get("ui.dialog.several", question.locale)
            return tuple(Item(name, False, reason=reason) for name in names)
        key, moment = question.key, self._clock()
        with self._lock:
            known = self._known.get(key)
            if known is not None and moment - known.at < FRESH_SECONDS:
                return known.items
            future = self._asked.get(key)
            if future is None and len(self._asked) < _AT_ONCE:
                future = self._asked[key] = Future()
                threading.Thread(target=self._find, args=(question, future), name="ui-dynamic", daemon=True).start()
        if future is not None:
            try:
                return future.result(self._deadline)
            except TimeoutError:
                pass
        if known is not None and moment - known.at < STALE_SECONDS:
            return known.items
        reason = self._surface.texts.get("dynamic.late", question.locale)
        return tuple(Item(name, reason=reason) for name in names)

    def forget(self, target: str) -> None:
        """What was known of the object, or is just being found, is of yesterday: something was done to it."""
        with self._lock:
            for kept in (self._known, self._asked):
                for key in [each for each in kept if target in each[_TARGETS:]]:
                    del kept[key]

    def _find(self, question: Question, future: Future[tuple[Item, ...]]) -> None:
        key = question.key
        try:
            items = self._found(question)
            with self._lock:
                if self._asked.get(key) is future:
                    self._remember(key, items)
            future.set_result(items)
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                if self._asked.get(key) is future:
                    del self._asked[key]

    def _remember(self, key: tuple[str, ...], items: tuple[Item, ...]) -> None:
        self._known[key] = _Known(items, self._clock())
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def _found(self, question: Question) -> tuple[Item, ...]:
        each = [self._for(question, target) for target in question.targets]
        return tuple(_joined(items) for items in zip(*each, strict=True))

    def _for(self, question: Question, target: ObjectId) -> list[Item]:
        actions = self._surface.on(target.kind) if question.place == "menu" else []
        wanted = sorted({action.privilege for action in actions if action.privilege})
        try:
            admission = self._platform.admit(question.sender, target, wanted, question.request_id)
        except Forbidden as error:
            reason = self._told(error, question.locale)
            return [Item(name, False, False, reason) for name in self._names(question)]
        except IsthmusError as error:
            reason = self._told(error, question.locale)
            return [Item(name, False, True, reason) for name in self._names(question)]
        if question.place != "menu":
            return [Item(name) for name in self._names(question)]
        return [self._item(action, admission, target, question.locale) for action in actions]

    def _item(self, action: Action, admission: Admission, target: ObjectId, locale: str) -> Item:
        if action.privilege in admission.missing:
            reason = self._surface.texts.get("dynamic.privilege", locale, privilege=action.privilege)
            return Item(action.id, False, True, reason)
        try:
            wrong = self._actions.check(self._surface.plugin, action.id, Call(admission.context, target.subject))
        except IsthmusError as error:
            wrong = error
        return Item(action.id, wrong is None, True, "" if wrong is None else self._told(wrong, locale))

    def _told(self, error: IsthmusError, locale: str) -> str:
        """Cause and cure in the reader's language."""
        return " ".join(filter(None, told(error, self._platform, self._surface.texts, locale)))

    def _names(self, question: Question) -> list[str]:
        kind = question.targets[0].kind if question.targets else ""
        if question.place == "menu":
            return [action.id for action in self._surface.on(kind)]
        return [view.id for view in self._surface.views if (view.kind, view.place) == (kind, question.place)]


def _joined(items: Sequence[Item]) -> Item:
    """One item for several objects: shown only if it is for all of them; the first reason is told."""
    reason = next((item.reason for item in items if not item.visible), "")
    return Item(items[0].id, not reason and all(i.visible for i in items), all(i.relevant for i in items), reason)


def body(items: Sequence[Item], version: str) -> Mapping[str, Any]:
    """As it is sent."""
    return {"version": version, "items": [item.to_json() for item in items]}
