"""What the plugins of an Isthmus elsewhere can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.model.operation import Operation
from .bound import Bound, part, read


@dataclass(frozen=True, slots=True)
class ActionDescription:
    """An action as a face offers it: `input` is the JSON Schema of an object, `kinds` what it may be done to."""

    plugin: str
    id: str
    title: str
    permission: str
    summary: str = ""
    kinds: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionChoice:
    """What a property of an action's input may be."""

    value: str | int
    title: str
    details: Mapping[str, Any] = field(default_factory=dict)


class RemoteActions(Bound):
    """The actions of all plugins, on behalf of one context."""

    def list(self, kind: str | None = None) -> Sequence[ActionDescription]:
        """All actions, or those offered on one kind of thing."""
        answer = self._caller.ask("GET", "/v1/actions", query={"kind": kind})
        return [read(ActionDescription, item) for item in answer["items"]]

    def choices(
        self,
        plugin: str,
        action: str,
        field: str,
        *,
        subject: tuple[str, str] | None = None,
        input: Mapping[str, Any] | None = None,
    ) -> Sequence[ActionChoice]:
        """What a property of the input may be now; `input` is what is known of it."""
        answer = self._caller.ask(
            "POST",
            f"/v1/actions/{part(plugin)}/{part(action)}/choices/{part(field)}",
            body=_call(subject, input),
        )
        return [read(ActionChoice, item) for item in answer["items"]]

    def invoke(
        self,
        plugin: str,
        action: str,
        *,
        subject: tuple[str, str] | None = None,
        input: Mapping[str, Any] | None = None,
        key: str | None = None,
        dry_run: bool = False,
    ) -> Operation | Mapping[str, Any]:
        """Do it, or with `dry_run` tell the plan: the operation it was accepted as, or what it answered at once.

        `subject` is the kind and id of the thing it is done to.
        """
        answer = self._caller.ask(
            "POST",
            f"/v1/actions/{part(plugin)}/{part(action)}",
            body=_call(subject, input),
            key=key,
            query={"dry_run": dry_run or None},
        )
        if isinstance(answer, Mapping) and "flow_version" in answer:
            return read(Operation, answer)
        return dict(answer)


def _call(subject: tuple[str, str] | None, input: Mapping[str, Any] | None) -> Mapping[str, Any]:
    body: dict[str, Any] = {"input": dict(input or {})}
    if subject is not None:
        body["subject"] = {"kind": subject[0], "id": subject[1]}
    return body
