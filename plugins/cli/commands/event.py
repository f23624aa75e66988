"""`isthmus event`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from itertools import islice, takewhile

import click

from ....core.errors import Gone
from ....core.model.codec import to_json
from ....core.model.event import Event
from ....core.model.page import LARGEST_PAGE
from ..command import Group, pass_session
from ..listing import MORE
from ..output import show_json, table
from ..session import Session

COLUMNS = (("NUMBER", "number"), ("TIME", "created_at"), ("KIND", "kind"), ("RESOURCE", "resource"))


@click.group(cls=Group)
def event() -> None:
    """What became true, in order."""


@event.command("list")
@click.option("--after", type=click.IntRange(0), help="Only events with a greater number; the first of them.")
@click.option("--all", "everything", is_flag=True, help="All that are kept, or all after that number.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many without --all.")
@pass_session
def events(session: Session, after: int | None, everything: bool, limit: int) -> None:
    """List the newest events, in order.

    They are those of the tenant acted for. Those of the installation and of all tenants (administrators):
    isthmus --tenant '' event list
    """
    # One more than is shown tells whether there are more.
    if everything:
        found = list(_after(session, _before_the_oldest(session) if after is None else after))
    elif after is not None:
        found = list(islice(_after(session, after), limit + 1))
    else:
        found = _newest(session, limit + 1)
    more = not everything and len(found) > limit
    if more:
        found = found[-limit:] if after is None else found[:limit]
    if session.as_json:
        show_json(found)
    else:
        table(COLUMNS, found, "No events.")
    if more:
        click.echo(MORE, err=True)


def _before_the_oldest(session: Session) -> int:
    """The number after which all events are still kept."""
    try:
        session.storage.events.after(0, 1)
    except Gone as gone:
        return int(gone.details["oldest"]) - 1
    return 0


def _after(session: Session, number: int) -> Iterator[Event]:
    """All events with a greater number; raises `Gone` when some are no longer kept."""
    while found := session.storage.events.after(number, LARGEST_PAGE):
        yield from found
        if len(found) < LARGEST_PAGE:
            return
        number = found[-1].number or number


def _newest(session: Session, count: int) -> list[Event]:
    """The last `count`. Between a tenant's events there are others', so the numbers are looked through from the end, a
    larger part of them each time."""
    first, end, width = _before_the_oldest(session), session.storage.events.newest(), count
    found: list[Event] = []
    while end > first and len(found) < count:
        start = max(first, end - width)
        found = [*takewhile(partial(_up_to, end), _after(session, start)), *found]
        end, width = start, 4 * width
    return found[-count:]


def _up_to(number: int, found: Event) -> bool:
    return (found.number or 0) <= number


@event.command("follow")
@click.option("--after", type=int, help="Begin after this number; from now on without it.")
@pass_session
def follow_(session: Session, after: int | None) -> None:
    """Print events as they come, one JSON object a line. Ctrl-C ends it."""
    feed = session.storage.events.stream(after, render=_line)
    try:
        for chunk in feed:
            if not chunk.startswith(b":"):
                click.echo(chunk.decode(), nl=False)
    finally:
        feed.close()


def _line(found: Event) -> bytes:
    return json.dumps(to_json(found), separators=(",", ":")).encode() + b"\n"
