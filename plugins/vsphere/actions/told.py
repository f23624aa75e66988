"""Errors in the language of whoever reads them, whichever part of the plug-in or the core they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import IsthmusError, NeedsAttention
from ....core.model.operation import Operation
from ....ui_bridge.locale import DEFAULT, language
from .. import reasons

OURS = "vsphere."
"""What the kinds of our operations begin with."""


def told(error: IsthmusError, locale: str) -> tuple[str, str] | None:
    """Cause and cure; None for what the plug-in has no words of its own for."""
    return reasons.told({"details": _reasoned(error, locale)}, locale)


def error_of(operation: Operation, locale: str) -> str:
    """What is wrong with an operation: cause and cure, in English where the plug-in has no words of its own."""
    error = IsthmusError.from_json(dict(operation.error or {"message": ""}))
    # What an error says of a step is said in the words of its action.
    error.details.setdefault("action", operation.kind.removeprefix(OURS))
    return reasons.said({**error.to_json(), "details": _reasoned(error, locale)}, locale)


def _reasoned(error: IsthmusError, locale: str) -> Mapping[str, Any]:
    """The details, with the reason that they only hint at."""
    details = error.details
    if isinstance(error, NeedsAttention) and "step" in details:
        return _stuck(details)
    # What goes wrong on the way to a vCenter names no reason by itself; in English its own words say more.
    if "way" in details and "reason" not in details and language(locale) != DEFAULT:
        return reasons.of_the_way(error.message, details)
    return details


def _stuck(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """A step that keeps failing, or that cannot be taken back, with the cause in it; one without a cause hangs."""
    failing = isinstance(details.get("cause"), Mapping)
    reason = ("keeps-failing" if failing else "hangs") + ("-back" if details.get("because") else "")
    step = str(details.get("step", ""))
    keys = (f"step.{details.get('action')}.{step}", f"step.{step}")
    named = next((reasons.phrase(key) for key in keys if reasons.texts().has(key)), step)
    return {"reason": reason, "values": {"step": named, "cause": reasons.cause(details["cause"]) if failing else ""}}
