"""Lists: all pages if asked for, as a table or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ...core.model.page import Page, Query
from . import output
from .command import pairs
from .session import Session

T = TypeVar("T")
MORE = "There are more; use --all."
"""Said on standard error, also to programs: what reads only a part must not take it for the whole."""


def show_list(
    session: Session,
    ask: Callable[[Query], Page[T]],
    columns: Sequence[output.Column],
    *,
    everything: bool,
    limit: int,
    sort: str,
    filters: tuple[str, ...],
    empty: str = "Nothing there.",
) -> None:
    """Ask for a page, or for all of them, and print it."""
    query = Query(filters=pairs(filters), sort=sort, limit=1000 if everything else limit)
    items: list[Any] = []
    while True:
        page = ask(query)
        items += page.items
        if page.next is None or not everything:
            break
        query = Query(query.filters, query.sort, query.limit, page.next)
    if session.as_json:
        output.show_json(items)
    else:
        output.table(columns, items, "None of them is so." if filters else empty)
    if page.next is not None:
        click.echo(MORE, err=True)
