"""All actions of all plugins, checked before they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.context import Context
from ..core.errors import Invalid, IsthmusError, NotFound
from ..core.model.operation import Operation
from .action import Action, Call, Choice, Result
from .contract import Submit
from .schemas import complete, fault

Authorise = Callable[[Context, str], None]
"""Raises unless the caller has a permission."""


class Catalogue:
    """The actions that plugins brought. `authorise` asks the core's table of permissions."""

    def __init__(self, authorise: Authorise) -> None:
        self._authorise = authorise
        self._actions: dict[tuple[str, str], tuple[Action, Submit]] = {}

    def add(self, plugin: str, action: Action, submit: Submit) -> None:
        """Offer an action; raises ValueError when the plugin has another one with this id."""
        if (plugin, action.id) in self._actions:
            raise ValueError(f"the plugin {plugin} has two actions {action.id}")
        self._actions[plugin, action.id] = (action, submit)

    def remove(self, plugin: str) -> None:
        """Offer nothing of this plugin any more."""
        self._actions = {key: value for key, value in self._actions.items() if key[0] != plugin}

    def list(self, *, kind: str | None = None) -> Sequence[tuple[str, Action]]:
        return tuple(
            (plugin, action)
            for (plugin, _), (action, _) in sorted(self._actions.items(), key=lambda item: item[0])
            if kind is None or kind in action.kinds
        )

    def get(self, plugin: str, action: str) -> Action:
        return self._find(plugin, action)[0]

    def check(self, plugin: str, action: str, call: Call) -> IsthmusError | None:
        found, _ = self._find(plugin, action)
        self._admit(found, call)
        return found.check(call) if found.check is not None else None

    def choices(self, plugin: str, action: str, field: str, call: Call) -> Sequence[Choice]:
        found, _ = self._find(plugin, action)
        self._admit(found, call)
        if field not in found.choices:
            raise NotFound(f"{found.title} knows no choices for {field!r}.")
        return found.choices[field](replace(call, input=complete(call.input, found.input)))

    def bounds(self, plugin: str, action: str, call: Call) -> Mapping[str, Mapping[str, Any]]:
        found, _ = self._find(plugin, action)
        self._admit(found, call)
        return found.bounds(call) if found.bounds is not None else {}

    def plan(self, plugin: str, action: str, call: Call) -> Mapping[str, Any]:
        found, submit = self._find(plugin, action)
        call = self._prepared(found, call)
        if found.plan is not None:
            return found.plan(call)
        if found.flow is None:
            return {"action": action}
        return self._submitted(found, submit, call, dry_run=True).plan or {}

    def invoke(self, plugin: str, action: str, call: Call) -> Result | Operation:
        found, submit = self._find(plugin, action)
        call = self._prepared(found, call)
        if found.run is not None:
            return found.run(call)
        return self._submitted(found, submit, call, dry_run=False)

    def _submitted(self, action: Action, submit: Submit, call: Call, *, dry_run: bool) -> Operation:
        subject = call.subject
        return submit(
            action.flow or "",
            call.context,
            resource_type=subject.kind if subject else "action",
            resource=subject.id if subject else None,
            data={
                "input": dict(call.input),
                "subject": {"kind": subject.kind, "id": subject.id} if subject else None,
            },
            key=call.key,
            dry_run=dry_run,
        )

    def _find(self, plugin: str, action: str) -> tuple[Action, Submit]:
        try:
            return self._actions[plugin, action]
        except KeyError:
            raise NotFound(f"There is no action {action!r} of {plugin!r}.") from None

    def _admit(self, action: Action, call: Call) -> None:
        self._authorise(call.context, action.permission)
        if action.kinds:
            if call.subject is None or call.subject.kind not in action.kinds:
                raise Invalid(f"{action.title} is done to: {', '.join(action.kinds)}.", field="subject")
        elif call.subject is not None:
            raise Invalid(f"{action.title} is done to nothing in particular.", field="subject")

    def _prepared(self, action: Action, call: Call) -> Call:
        self._admit(action, call)
        wrong = fault(dict(call.input), action.input)
        if wrong:
            raise Invalid(f"The input does not fit: {wrong}", field="input")
        call = replace(call, input=complete(call.input, action.input))
        wrong_now = action.check(call) if action.check is not None else None
        if wrong_now is not None:
            raise wrong_now
        return call
