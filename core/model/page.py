"""Lists, asked for and answered page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """What part of a list is wanted.

    `filters` are equalities on some of the noun's own fields (`name`, `state`, `profile` …).
    `sort` is one of the noun's sort keys, `-` before it for descending. `cursor` is opaque and comes from the page
    before; it is bound to filters and sort. `all_tenants` is for administrators. `limit` is at most 1000.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    sort: str = "created_at"
    limit: int = DEFAULT_PAGE
    cursor: str | None = None
    all_tenants: bool = False
    with_total: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `next` is the cursor of the following page, None on the last."""

    items: Sequence[T]
    next: str | None = None
    total: int | None = None
