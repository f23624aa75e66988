"""`isthmus action`."""

from __future__ import annotations

import json

import click

from ..actions import perform, subject_of
from ..command import Group, pass_session, tried
from ..output import show_json, table
from ..session import Session

_COLUMNS = (("PLUGIN", "plugin"), ("ACTION", "id"), ("ON", "kinds"), ("TITLE", "title"))


@click.group(cls=Group)
def action() -> None:
    """What plugins can do; each is also a command of its own: `isthmus PLUGIN ACTION`."""


@action.command("list")
@click.option("--kind", help="Only those offered on this kind of thing.")
@pass_session
def list_(session: Session, kind: str | None) -> None:
    """List actions."""
    found = session.actions.list(kind)
    if session.as_json:
        show_json(list(found))
    else:
        table(_COLUMNS, found, "No plugin of this server brings actions.")


@action.command("run")
@click.argument("plugin")
@click.argument("action")
@click.option("--on", "subject", help="The thing it is done to, KIND:ID, or a urn that names its kind.")
@click.option("--input", "text", default="{}", help="Its input, a JSON object.")
@click.option("--wait", is_flag=True, help="Wait until it is done.")
@click.option("--dry-run", is_flag=True, callback=tried, help="Show what would be done, and change nothing.")
@click.option("--key", help="An idempotency key.")
@pass_session
def run(
    session: Session,
    plugin: str,
    action: str,
    subject: str | None,
    text: str,
    wait: bool,
    dry_run: bool,
    key: str | None,
) -> None:
    """Run an action with its input as JSON."""
    found = [each for each in session.actions.list() if (each.plugin, each.id) == (plugin, action)]
    if not found:
        raise click.UsageError(f"The plugin {plugin} has no action {action}; see `isthmus action list`.")
    try:
        input = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--input") from error
    perform(
        session,
        found[0],
        subject=None if subject is None else subject_of(found[0], subject),
        input=input,
        wait=wait,
        dry_run=dry_run,
        key=key,
    )
