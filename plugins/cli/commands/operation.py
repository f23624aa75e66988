"""`isthmus operation`, `isthmus explain`, `isthmus message` and `isthmus event`."""

from __future__ import annotations

import json

import click

from ....core.model.codec import to_json
from ....core.model.event import Event
from ..command import Group, answer, listed, pass_session
from ..following import follow, show_explanation, show_operation
from ..listing import show_list
from ..naming import Names
from ..output import cell, show_json, table
from ..session import Session

_COLUMNS = (
    ("ID", "id"), ("KIND", "kind"), ("STATE", "state"), ("STEP", "step"), ("PROGRESS", "progress", "{:.0%}".format),
    ("RESOURCE", "resource"), ("CREATED", "created_at"),
)  # fmt: skip
_MESSAGES = (("TIME", "created_at"), ("LEVEL", "level"), ("TEXT", "text"), ("REQUEST", "request_id"))
_EVENTS = (("NUMBER", "number"), ("TIME", "created_at"), ("KIND", "kind"), ("RESOURCE", "resource"))


@click.group(cls=Group)
def operation() -> None:
    """What is being done, was done, or needs attention."""


@operation.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List operations; --sort -created_at for the latest first, --where state=needs_attention for the stuck ones."""
    show_list(
        session, session.storage.operations.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No operations.",
    )  # fmt: skip


@operation.command()
@click.argument("operation")
@click.option("--wait", is_flag=True, help="Wait for its end.")
@click.option("--timeout", type=float, default=600.0, show_default=True)
@pass_session
def show(session: Session, operation: str, wait: bool, timeout: float) -> None:
    """Show one operation."""
    found = session.storage.operations.get(operation)
    if wait and found.state.live:
        follow(session, found, wait=True, timeout=timeout)
        return
    answer(session, found, show_operation)


@operation.command()
@click.argument("operation")
@pass_session
def cancel(session: Session, operation: str) -> None:
    """Take an operation back, as long as there is a way back."""
    answer(session, session.storage.operations.cancel(operation), show_operation)


@operation.command()
@click.argument("operation")
@click.option("--wait", is_flag=True)
@pass_session
def retry(session: Session, operation: str, wait: bool) -> None:
    """Go on with an operation that needs attention, once its cause is mended."""
    follow(session, session.storage.operations.retry(operation), wait=wait)


@operation.command()
@click.argument("operation")
@click.confirmation_option(prompt="It is then neither finished nor taken back. Give it up?")
@pass_session
def abandon(session: Session, operation: str) -> None:
    """Give up an operation that needs attention."""
    answer(session, session.storage.operations.abandon(operation), show_operation)


@click.command()
@click.argument("request_id")
@pass_session
def explain(session: Session, request_id: str) -> None:
    """All that a request led to: operations, why its placement went where it went, messages, events.

    REQUEST_ID is that of an error message or an answer's X-Openstack-Request-Id header, or an operation's id.
    """
    found = session.storage.operations.explain(request_id)
    if session.as_json:
        show_json(found)
        return
    names = Names(session)
    click.secho(f"Request {found.request_id}", bold=True)
    for each in found.operations:
        click.echo(f"\noperation     {each.id}  {each.kind}  {each.state.value}")
        click.echo(f"asked by      {names.user(each.user)} at {cell('created_at', each.created_at)}")
        if each.explanation:
            show_explanation(dict(each.explanation))
        if each.error:
            click.secho(f"error         {each.error.get('message')}", fg="red")
    for message in found.messages:
        click.echo(f"\n{message.level:<13} {message.text}")
        if message.next_step:
            click.echo(f"              {message.next_step}")
        if message.details.get("explanation"):
            show_explanation(dict(message.details["explanation"]))
    if found.events:
        click.echo()
        table(_EVENTS, list(found.events))


@click.group(cls=Group)
def message() -> None:
    """What people are told when something fails."""


@message.command("list")
@listed
@pass_session
def messages(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List messages."""
    show_list(
        session, session.storage.messages.list, _MESSAGES, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No messages: nothing went wrong.",
    )  # fmt: skip


@click.group(cls=Group)
def event() -> None:
    """What became true, in order."""


@event.command("list")
@click.option("--after", type=int, default=0, help="Only events with a greater number.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100)
@pass_session
def events(session: Session, after: int, limit: int) -> None:
    """List events."""
    found = session.storage.events.after(after, limit)
    if session.as_json:
        show_json(list(found))
    else:
        table(_EVENTS, found, "No events.")


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
