"""The contract of actions: what can be done to things, declared once and offered by every face.

`rest` serves all actions, `cli` makes `isthmus PLUGIN ACTION` of them, ui_bridge menus and dialogs. None of them calls
the functions of an action: they go through `Actions`, which checks the input and the caller's rights first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.context import Context
from ..core.errors import IsthmusError
from ..core.model.operation import Operation

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Subject:
    """The thing that an action is done to: its kind (`volume`, `host`, or a kind of the platform) and its id."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One use of an action: by whom, on what, with which input (it satisfies the action's schema).

    `subject` is None for an action of no particular thing. `key` is the caller's idempotency key.
    """

    context: Context
    subject: Subject | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None


Result = Mapping[str, Any]
"""What a function answers: plain JSON. Findings (`core.model.description.Finding`) and, under the name `error`, error
documents are said as such by faces that speak to people."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a property of an action's input may be. `value` goes into the input, `title` is shown for it; `details` help
    to choose, as plain values by name (`{"default": true}`, `{"free": 1073741824}` in bytes), which a face puts in
    words."""

    value: str | int
    title: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done.

    `id` is unique within its plugin and reads `datastore-create`: small letters, digits and single hyphens. `kinds` are
    the kinds of subject it is offered on; empty means that it takes none. `input` is a JSON Schema (2020-12) of an
    object. `permission` is one of the core's (`volume:create`); `privilege` is the platform's own name for the right
    (`Datastore.AllocateSpace`), for faces that live inside the platform.

    `check` says whether the action could be done now: None, or the error that it would end with (not raised), whose
    message and next step are for the user. It is quick, changes nothing, and is also asked with an empty input, to
    enable a menu entry or to grey it out. `choices` says of some properties of the input what they may be now, with the
    part of the input that is known already; it binds nobody: what is given is checked when the action is invoked.
    `bounds` says more of some properties than `input` can, since it knows the subject: keywords of their schemas by
    property (`{"size": {"minimum": 5368709120, "default": 5368709120}}`), for faces that let people enter them; these
    bind nobody either.
    `plan` answers a dry run with plain JSON and changes nothing; without it a dry run shows the flow's steps.

    An integer of the input that says `"x-unit": "bytes"` is a size, for faces that let people write one.

    What does it is either the flow called `flow`, which the plugin declares in `flows()`, or the function `run`, for
    what is done at once. A flow's run finds `{"input": …, "subject": {"kind", "id"} or null}` in `Run.data`. `run`
    returns plain JSON, or the operation that an adapter gave it; it is idempotent under the same `Call.key`.
    """

    id: str
    title: str
    permission: str
    input: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "additionalProperties": False})
    kinds: tuple[str, ...] = ()
    summary: str = ""
    privilege: str | None = None
    check: Callable[[Call], IsthmusError | None] | None = None
    choices: Mapping[str, Callable[[Call], Sequence[Choice]]] = field(default_factory=dict)
    bounds: Callable[[Call], Mapping[str, Mapping[str, Any]]] | None = None
    plan: Callable[[Call], Mapping[str, Any]] | None = None
    flow: str | None = None
    run: Callable[[Call], Result | Operation] | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no action id: use small letters, digits and single hyphens")
        if (self.flow is None) == (self.run is None):
            raise ValueError(f"action {self.id}: give either a flow or a function")
        if self.input.get("type") != "object":
            raise ValueError(f"action {self.id}: its input is an object")
        strange = self.choices.keys() - self.input.get("properties", {}).keys()
        if strange:
            raise ValueError(f"action {self.id}: there are choices for {min(strange)!r}, which it does not take")


class Actions(Protocol):
    """All actions of all plugins that are loaded, for the faces that offer them."""

    def list(self, *, kind: str | None = None) -> Sequence[tuple[str, Action]]:
        """The actions with the names of their plugins, in that order; with `kind` those offered on such a subject."""

    def get(self, plugin: str, action: str) -> Action:
        """One action; raises `NotFound`."""

    def check(self, plugin: str, action: str, call: Call) -> IsthmusError | None:
        """None when the caller could do this now, else what it would end with. The input may be empty.

        Raises `NotFound`, `Forbidden`, and `Invalid` for a subject of the wrong kind.
        """

    def choices(self, plugin: str, action: str, field: str, call: Call) -> Sequence[Choice]:
        """What a property of the input may be now. The input may be incomplete.

        Raises as `check` does, `NotFound` also for a property without choices, and whatever the function raises.
        """

    def bounds(self, plugin: str, action: str, call: Call) -> Mapping[str, Mapping[str, Any]]:
        """What more than its `input` says holds of properties on this subject now; nothing of an action without bounds.

        Raises as `check` does, and whatever the function raises.
        """

    def plan(self, plugin: str, action: str, call: Call) -> Mapping[str, Any]:
        """What it would do; changes nothing. Raises as `invoke` does."""

    def invoke(self, plugin: str, action: str, call: Call) -> Result | Operation:
        """Do it: the function's answer, or the operation that does it.

        Raises `NotFound`, `Invalid` (the input, or a subject of the wrong kind), `Forbidden`, what the action's check
        answers, and whatever the function raises.
        """
