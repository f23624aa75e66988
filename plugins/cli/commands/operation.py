"""`isthmus operation`, `isthmus explain` and `isthmus message`."""

from __future__ import annotations

from functools import partial

import click

from ..command import Group, answer, listed_by, pass_session
from ..following import follow, show_explanation, show_operation
from ..listing import show_list
from ..naming import Names
from ..output import cell, show_json, table
from ..session import Session
from .event import COLUMNS as EVENTS

_COLUMNS = (
    ("ID", "id"), ("KIND", "kind"), ("STATE", "state"), ("STEP", "step"), ("PROGRESS", "progress", "{:.0%}".format),
    ("RESOURCE", "resource"), ("CREATED", "created_at"),
)  # fmt: skip
_MESSAGES = (("TIME", "created_at"), ("LEVEL", "level"), ("TEXT", "text"), ("REQUEST", "request_id"))
_LATEST_FIRST = "-created_at"


@click.group(cls=Group)
def operation() -> None:
    """What is being done, was done, or needs attention."""


@operation.command("list")
@listed_by(_LATEST_FIRST)
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List operations, the latest first; --where state=needs_attention for the stuck ones."""
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
    answer(session, found, partial(show_operation, names=Names(session)))


@operation.command()
@click.argument("operation")
@pass_session
def cancel(session: Session, operation: str) -> None:
    """Take an operation back, as long as there is a way back."""
    answer(session, session.storage.operations.cancel(operation), partial(show_operation, names=Names(session)))


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
    answer(session, session.storage.operations.abandon(operation), partial(show_operation, names=Names(session)))


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
            show_explanation(dict(each.explanation), names)
        if each.error:
            click.secho(f"error         {each.error.get('message')}", fg="red")
    for message in found.messages:
        click.echo(f"\n{message.level:<13} {message.text}")
        if message.next_step:
            click.echo(f"              {message.next_step}")
        if message.details.get("explanation"):
            show_explanation(dict(message.details["explanation"]), names)
    if found.events:
        click.echo()
        table(EVENTS, list(found.events))


@click.group(cls=Group)
def message() -> None:
    """What people are told when something fails."""


@message.command("list")
@listed_by(_LATEST_FIRST)
@pass_session
def messages(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List messages, the latest first."""
    show_list(
        session, session.storage.messages.list, _MESSAGES, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No messages: nothing went wrong.",
    )  # fmt: skip
