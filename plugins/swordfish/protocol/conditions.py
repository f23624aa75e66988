"""Why something is not well (schema Resource, Condition)."""

from __future__ import annotations

from typing import Any

from .messages import said


def conditions(reason: str) -> list[dict[str, Any]] | None:
    """The reason for a critical state as `Status.Conditions`; None without one."""
    if not reason:
        return None
    message = said("ResourceEvent.ResourceErrorsDetected", "Status", reason)
    return [{"Severity": "Critical", **{name: message[name] for name in ("MessageId", "Message", "MessageArgs")}}]
