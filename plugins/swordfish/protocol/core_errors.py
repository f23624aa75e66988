"""Isthmus's errors in Redfish's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....core import errors
from .. import uris
from .messages import said
from .refusal import Refusal, refuse

RETRY_AFTER = 5
"""Seconds after which to come back, where the error does not say."""


def refusal_of(
    error: errors.IsthmusError,
    uri: str,
    names: Mapping[str, str] | None = None,
    action: str = "",
    *,
    kind: str = "",
) -> Refusal:
    """How a request to `uri` ends that met `error`.

    `names` gives the JSON pointers of properties by the names that the core calls them, so that a complaint about
    `size` names `/CapacityBytes`; those of an `action` are its parameters. `kind` is the type that was to be made.
    What the core says and advises stands in `Resolution`.
    """
    if action and isinstance(error, errors.Invalid):
        pointer = (names or {}).get(_field(error))
        if pointer is not None:
            return refuse(400, "ActionParameterValueError", pointer[1:], action, resolution=_advice(error))
    if kind and isinstance(error, errors.Conflict) and (pointer := (names or {}).get(_field(error))) is not None:
        value = str(error.details.get("value", ""))
        taken = said("ResourceAlreadyExists", kind, pointer[1:], value, related=(pointer,), resolution=_advice(error))
        return Refusal(409, [taken])
    for known, answer in _ANSWERS:
        if isinstance(error, known):
            return answer(error, uri, names or {})
    return Refusal(500, [said("InternalError", resolution=_advice(error))])


def _field(error: errors.IsthmusError) -> str:
    """What of the request the error is about, as the core calls it."""
    return str(error.details.get("field", ""))


def _advice(error: errors.IsthmusError) -> str:
    """What the core says and advises, in sentences."""
    said_so = error.message[:1].upper() + error.message[1:]
    ended = said_so if said_so.endswith((".", "!", "?")) else f"{said_so}."
    return f"{ended} {error.next_step}" if error.next_step else ended


def _invalid(error: errors.IsthmusError, uri: str, names: Mapping[str, str]) -> Refusal:
    pointer = names.get(_field(error))
    if pointer is None:
        return Refusal(400, [said("GeneralError", resolution=_advice(error))])
    return Refusal(400, [said("PropertyValueError", pointer[1:], related=(pointer,), resolution=_advice(error))])


def _unauthenticated(error: errors.IsthmusError, uri: str, names: Mapping[str, str]) -> Refusal:
    headers = {"WWW-Authenticate": 'Basic realm="Isthmus", charset="UTF-8"'}
    return Refusal(401, [said("NoValidSession", resolution=_advice(error))], headers)


def _password(error: errors.IsthmusError, uri: str, names: Mapping[str, str]) -> Refusal:
    account = uris.account(str(error.details.get("user", "")))
    return Refusal(403, [said("PasswordChangeRequired", account)])


def _key_reused(error: errors.IsthmusError, uri: str, names: Mapping[str, str]) -> Refusal:
    return Refusal(400, [said("HeaderInvalid", "Idempotency-Key", resolution=_advice(error))])


def _unavailable(error: errors.IsthmusError, uri: str, names: Mapping[str, str]) -> Refusal:
    seconds = str(error.details.get("retry_after", RETRY_AFTER))
    said_so = said("ServiceTemporarilyUnavailable", seconds, resolution=_advice(error))
    return Refusal(503, [said_so], {"Retry-After": seconds})


def _as(status: int, name: str, *, at: bool = False) -> Callable[..., Refusal]:
    """Always the same status and message, about the URI where `at`."""

    def answer(error: errors.IsthmusError, uri: str, names: Mapping[str, str]) -> Refusal:
        return Refusal(status, [said(name, *((uri,) if at else ()), resolution=_advice(error))])

    return answer


# The first that fits counts: a class stands before those it derives from.
_ANSWERS: tuple[tuple[type[errors.IsthmusError], Callable[..., Refusal]], ...] = (
    (errors.Invalid, _invalid),
    (errors.Unauthenticated, _unauthenticated),
    (errors.PasswordChangeRequired, _password),
    (errors.Forbidden, _as(403, "InsufficientPrivilege")),
    (errors.NotFound, _as(404, "ResourceMissingAtURI", at=True)),
    (errors.Stale, _as(412, "PreconditionFailed")),
    (errors.Conflict, _as(409, "ResourceInUse")),
    (errors.KeyReused, _key_reused),
    (errors.LimitExceeded, _as(409, "CreateLimitReachedForResource")),
    (errors.NoPlacement, _as(409, "ResourceExhaustion", at=True)),
    (errors.NotOffered, _as(400, "GeneralError")),
    (errors.Gone, _as(410, "GeneralError")),
    (errors.Overloaded, _unavailable),
    (errors.Unavailable, _unavailable),
    (errors.Transient, _unavailable),
    (errors.Busy, _unavailable),
    (errors.Refused, _as(409, "GeneralError")),
    (errors.StorageError, _as(500, "OperationFailed")),
    (errors.NeedsAttention, _as(500, "OperationFailed")),
)
