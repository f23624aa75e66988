"""`isthmus key`: the root keys under which secrets are sealed. For the node that runs the server."""

from __future__ import annotations

import sys

import click

from ..command import Group, pass_session
from ..output import show_json, table
from ..session import Session
from .server import config_option, server_parts

_COLUMNS = (("KEY", "key"), ("NEWEST", "newest"), ("PRESENT", "present"), ("SEALED", "sealed"))


@click.group(cls=Group)
def key() -> None:
    """The root keys under which secrets are sealed in the database."""


@key.command("list")
@config_option
@pass_session
def list_(session: Session, config: str | None) -> None:
    """List the root keys, the newest first, and how many values each has sealed."""
    from ....plugin_manager.configuration import load

    found = server_parts().key_list(load(config))
    if session.as_json:
        show_json(found)
    else:
        table(_COLUMNS, found)


@key.command()
@config_option
@pass_session
def rotate(session: Session, config: str | None) -> None:
    """Make a new root key and seal everything under it. Stop all servers first; the data path goes on.

    Safe to interrupt: everything opens, and running it again brings it to its end. Older keys stay in the key source.
    """
    from ....plugin_manager.configuration import load

    done = server_parts().key_rotate(load(config))
    if session.as_json:
        show_json(done)
    else:
        how = "is new" if done.added else "was there already"
        click.echo(f"The root key {done.key} {how}; {done.resealed} values were sealed anew under it.")
        click.echo("Back up the key source now, and copy it to the other servers before they start.")
    for place in done.broken:
        click.secho(f"Cannot be opened: {place}", err=True, fg="red")
    if done.broken:
        sys.exit(1)
