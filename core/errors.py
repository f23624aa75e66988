"""The errors of Isthmus: each has a code, a sentence for a person and, where possible, the next thing to do.

An error never carries a secret. Adapters send an error as `to_json()` and raise it again with `from_json()`,
so a caller meets the same class whether the engine is in its process or behind the REST API.
"""

from __future__ import annotations

from typing import Any, ClassVar


class IsthmusError(Exception):
    """The root of all errors that Isthmus raises on purpose.

    `details` holds plain JSON values (ids, numbers, names) that a program may act on.
    """

    code: ClassVar[str] = "internal"
    _by_code: ClassVar[dict[str, type[IsthmusError]]] = {}

    def __init__(self, message: str, *, next_step: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.details = details

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        IsthmusError._by_code.setdefault(cls.code, cls)

    def __str__(self) -> str:
        return self.message

    def to_json(self) -> dict[str, Any]:
        """The error as plain JSON; the inverse of `from_json`."""
        document: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.next_step:
            document["next_step"] = self.next_step
        if self.details:
            document["details"] = self.details
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> IsthmusError:
        """The error that `document` describes; an unknown code gives a plain `IsthmusError`."""
        kind = cls._by_code.get(str(document.get("code")), IsthmusError)
        return kind(
            str(document.get("message", "unknown error")),
            next_step=document.get("next_step"),
            **dict(document.get("details") or {}),
        )


class Invalid(IsthmusError):
    """The request is malformed or asks for something that can never be."""

    code = "invalid"


class Unauthenticated(IsthmusError):
    """Nobody, or nobody known, is asking."""

    code = "unauthenticated"


class Forbidden(IsthmusError):
    """The caller is known and may not do this."""

    code = "forbidden"


class PasswordChangeRequired(Forbidden):
    """The caller must choose a new password before anything else; `details["user"]` is the caller's id."""

    code = "password_change_required"


class NotFound(IsthmusError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"


class Conflict(IsthmusError):
    """The thing is in a state in which this cannot be done now."""

    code = "conflict"


class Occupied(Conflict):
    """Another live operation changes the resource; `details["operation"]` names it."""

    code = "busy"


class InUse(Conflict):
    """Something depends on the resource (an attachment, a snapshot, a volume of a profile)."""

    code = "in_use"


class Stale(Conflict):
    """`if_version` named a version that is no longer the current one."""

    code = "stale"


class KeyReused(IsthmusError):
    """An idempotency key came again with another request."""

    code = "idempotency_key_reused"


class LimitExceeded(IsthmusError):
    """The tenant's limit does not allow this much."""

    code = "limit_exceeded"


class NoPlacement(IsthmusError):
    """No pool can take this; the explanation stands in the operation or in `details["explanation"]`."""

    code = "no_placement"


class NotOffered(IsthmusError):
    """The storage system, the driver or the target does not have the ability."""

    code = "not_offered"


class Gone(IsthmusError):
    """What was asked for has been discarded (events older than the oldest kept)."""

    code = "gone"


class Overloaded(IsthmusError):
    """More was asked than can be finished soon; `details["retry_after"]` is in seconds."""

    code = "overloaded"


class Unavailable(IsthmusError):
    """A part this depends on (database, back end, remote system) does not answer now."""

    code = "unavailable"


class Misconfigured(IsthmusError):
    """A setting of the installation is wrong or missing."""

    code = "misconfigured"


class NeedsAttention(IsthmusError):
    """An operation hangs past its deadline or past its pivot and waits for a person."""

    code = "needs_attention"


class StorageError(IsthmusError):
    """What a driver or a target raises. The journal acts on the subclass."""

    code = "storage_error"


class Transient(StorageError):
    """It may work in a moment; the step is retried within its deadline."""

    code = "storage_transient"


class Busy(StorageError):
    """The back end is occupied with this object; the step is retried within its deadline."""

    code = "storage_busy"


class Refused(StorageError):
    """The back end will not do this, however often it is asked; the operation is undone."""

    code = "storage_refused"


class Failed(StorageError):
    """The back end tried and failed; the operation is undone."""

    code = "storage_failed"
