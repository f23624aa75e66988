"""What a service refuses with, as the errors of the core."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ....core import errors
from .bodies import Body, mappings, text, texts

Names = Mapping[str, str]
"""What the core calls a property, by its JSON pointer."""

_FINE = frozenset({"Success", "Created", "NoOperation", "Accepted", "AccountModified", "TaskCompletedOK"})
_TASK = "Task"

_BY_KEY: Mapping[str, type[errors.IsthmusError]] = {
    "PreconditionFailed": errors.Stale,
    "ResourceInUse": errors.InUse,
    "ResourceCannotBeDeleted": errors.InUse,
    "ResourceInStandby": errors.Conflict,
    "ResourceAlreadyExists": errors.Conflict,
    "ResourceAtUriInUnknownFormat": errors.Unavailable,
    "CreateLimitReachedForResource": errors.LimitExceeded,
    "ResourceExhaustion": errors.NoPlacement,
    "InsufficientStorage": errors.NoPlacement,
    "InsufficientPrivilege": errors.Forbidden,
    "InsufficientPrivilegeForProperty": errors.Forbidden,
    "AccessDenied": errors.Misconfigured,
    "NoValidSession": errors.Misconfigured,
    "AccessUnauthorized": errors.Misconfigured,
    "PasswordChangeRequired": errors.Misconfigured,
    "ActionNotSupported": errors.NotOffered,
    "OperationNotAllowed": errors.NotOffered,
    "QueryNotSupported": errors.NotOffered,
    "ServiceTemporarilyUnavailable": errors.Unavailable,
    "ServiceShuttingDown": errors.Unavailable,
    "ServiceInUnknownState": errors.Unavailable,
    "SessionLimitExceeded": errors.Overloaded,
    "OperationTimeout": errors.Unavailable,
    "OperationFailed": errors.Failed,
    "InternalError": errors.Failed,
    "TaskCancelled": errors.Conflict,
}
_BY_STATUS: Mapping[int, type[errors.IsthmusError]] = {
    401: errors.Misconfigured,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.NotOffered,
    409: errors.Conflict,
    410: errors.Gone,
    412: errors.Stale,
    428: errors.Stale,
    429: errors.Overloaded,
    500: errors.Failed,
    501: errors.NotOffered,
    507: errors.NoPlacement,
}
_INVALID = re.compile(r"(Property|ActionParameter|CreateFailed|QueryParameter|String|Array|MalformedJSON|Unrecognized)")


def error_of(
    system: str, status: int, body: Body, *, names: Names | None = None, retry_after: str | None = None
) -> errors.IsthmusError:
    """The error that an answer stands for. `names` gives the core's names of properties that it may be about."""
    found = _error(system, _told(body), names or {}, status)
    if retry_after is not None and retry_after.isdigit() and isinstance(found, errors.Unavailable | errors.Overloaded):
        found.details["retry_after"] = int(retry_after)
    return found


def error_of_task(system: str, body: Body) -> errors.IsthmusError:
    """Why a task did not end well."""
    told = [one for one in mappings(body, "Messages") if _bad(one)]
    # What says no more than that the task ended comes last.
    told.sort(key=lambda one: _key(one).startswith(_TASK))
    return _error(system, told, {}, None)


def complaint(system: str, body: Body, names: Names | None = None) -> errors.IsthmusError | None:
    """What was wrong with a part of a change whose rest was made (DSP0266, PATCH); None for nothing."""
    told = [one for one in mappings(body, "@Message.ExtendedInfo") if _bad(one)]
    return _error(system, told, names or {}, 400) if told else None


def _told(body: Body) -> list[Body]:
    """The messages of an error, those of other places where older services put them too."""
    inner = body.get("error")
    told = [*mappings(inner, "@Message.ExtendedInfo"), *mappings(body, "@Message.ExtendedInfo")]
    if told or not isinstance(inner, Mapping):
        return told
    return [{"MessageId": inner.get("code"), "Message": inner.get("message")}]


def _error(system: str, told: Iterable[Body], names: Names, status: int | None) -> errors.IsthmusError:
    first: Body = next(iter(told), {})
    key = _key(first)
    kind = _class(key, status)
    message = " ".join(text(first, "Message").split()) or _without_words(status)
    details: dict[str, Any] = {}
    if key:
        details["message_id"] = text(first, "MessageId")[:200]
    if kind is errors.Invalid:
        field = next((names[pointer] for pointer in _pointers(first) if pointer in names), None)
        if field is not None:
            details["field"] = field
    return kind(f"{system}: {message}"[:1000], next_step=_advice(first), **details)


def _class(key: str, status: int | None) -> type[errors.IsthmusError]:
    if status == 404:
        return errors.NotFound
    if key in _BY_KEY:
        return _BY_KEY[key]
    if status is not None and status in _BY_STATUS:
        return _BY_STATUS[status]
    if _INVALID.match(key) or (status is not None and 400 <= status < 500):
        return errors.Invalid
    return errors.Failed if status is None else errors.Unavailable


def _without_words(status: int | None) -> str:
    return "It did not say why it failed." if status is None else f"It answered {status} without saying why."


def _advice(message: Body) -> str | None:
    advice = " ".join(text(message, "Resolution").split())
    return advice[:1000] if advice and advice != "None" else None


def _key(message: Body) -> str:
    """`ResourceInUse` of `Base.1.22.ResourceInUse`."""
    return text(message, "MessageId").rpartition(".")[2]


def _bad(message: Body) -> bool:
    severity = text(message, "MessageSeverity") or text(message, "Severity")
    return _key(message) not in _FINE and severity != "OK"


def _pointers(message: Body) -> list[str]:
    """The properties that a message is about, as JSON pointers; older services write `#/Name`."""
    return [one.lstrip("#") for one in texts(message, "RelatedProperties")]
