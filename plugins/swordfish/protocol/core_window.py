"""Pieces of collections that are lists of the core's, by its own cursors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ....core.errors import Invalid
from ....core.model.page import LARGEST_PAGE, Page, Query
from .refusal import refuse
from .resource import Window


def core_window(listing: Callable[[Query], Page[Any]], query: Query, after: str | None, limit: int) -> Window:
    """The piece that begins at `after`; refuses one that no answer gave."""
    asked = replace(query, limit=max(1, min(limit, LARGEST_PAGE)), cursor=after, with_total=True)
    try:
        page = listing(asked)
    except Invalid as error:
        if after is None:
            raise
        raise refuse(400, "QueryParameterValueError", "$skiptoken", resolution=error.message) from error
    return Window(page.items, page.total or 0, page.next)
