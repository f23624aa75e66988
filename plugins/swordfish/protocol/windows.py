"""Pieces of collections whose members are known without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence

from .refusal import refuse
from .resource import Window


def window_of(uris: Sequence[str], after: str | None, limit: int) -> Window:
    """The piece of `uris` that begins at `after`; refuses one that no answer gave."""
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise refuse(400, "QueryParameterValueError", "$skiptoken")
    start = int(after or 0)
    end = start + limit
    return Window(uris[start:end], len(uris), str(end) if end < len(uris) else None)
