"""The HTTP status that an error is answered with, for every face that speaks HTTP in its own words."""

from __future__ import annotations

from ..core.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    IsthmusError,
    KeyReused,
    LimitExceeded,
    Misconfigured,
    NeedsAttention,
    NoPlacement,
    NotFound,
    NotOffered,
    Overloaded,
    Refused,
    Stale,
    StorageError,
    Unauthenticated,
    Unavailable,
)
from .json_body import NotJson

_STATUSES: tuple[tuple[type[IsthmusError], int], ...] = (
    (NotJson, 415),
    (Stale, 412),
    (Conflict, 409),
    (Invalid, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (KeyReused, 422),
    (LimitExceeded, 403),
    (NoPlacement, 409),
    (NotOffered, 501),
    (Gone, 410),
    (Overloaded, 503),
    (Unavailable, 503),
    (NeedsAttention, 409),
    (Misconfigured, 409),
    (Refused, 409),
    (StorageError, 502),
)


def status_of(error: IsthmusError) -> int:
    """The status for an error's class; 500 for one that is a defect of ours."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
