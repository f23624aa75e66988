"""Commands for the node that runs the server: `serve`, `config`, `db`, `data-path`; and `doctor` and `plugin`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import click

from ....core.errors import Misconfigured
from ..command import Group, answer, pass_session
from ..configured import given_settings
from ..findings import finding_lines
from ..output import show_json, table
from ..session import Session

_EXTENSIONS = (
    ("KIND", "namespace"), ("NAME", "name"), ("STATE", "state"), ("FROM", "distribution"), ("VERSION", "version"),
    ("REASON", "reason"),
)  # fmt: skip
config_option = click.option("--config", type=click.Path(dir_okay=False), help="The configuration file (isthmus.toml).")


def server_parts() -> Any:
    """The server's parts, which the base install does not have."""
    missing = [name for name in ("granian", "flask", "sqlalchemy", "numpy") if find_spec(name) is None]
    if missing:
        raise Misconfigured(
            f"This install has no server in it ({', '.join(missing)} missing).",
            next_step="Install it with: pip install 'isthmus[server]'",
        )
    from ....plugin_manager import server

    return server


@click.command()
@config_option
def serve(config: str | None) -> None:
    """Run the server here, until Ctrl-C or SIGTERM. What it publishes stays when it stops."""
    sys.exit(server_parts().run(config))


@click.group("config", cls=Group)
def config_group() -> None:
    """What this node's server starts with."""


@config_group.command("show")
@config_option
@pass_session
def show_config(session: Session, config: str | None) -> None:
    """Show every setting with its value and where that came from; secrets are hidden."""
    from ....plugin_manager.configuration import load, show

    found = show(load(config))
    if session.as_json:
        show_json(found)
    else:
        table((("KEY", "key"), ("VALUE", "value"), ("FROM", "source"), ("MEANING", "meaning")), found)


@click.group(cls=Group)
def db() -> None:
    """The database."""


@db.command()
@config_option
def upgrade(config: str | None) -> None:
    """Bring the database to this release. Back it up and stop all servers first."""
    from ....plugin_manager.configuration import load

    changed = server_parts().database_upgrade(load(config))
    click.echo("Upgraded." if changed else "It is up to date.")


@click.group("data-path", cls=Group)
def data_path() -> None:
    """The daemons that serve volumes to hosts; they outlive the server."""


@data_path.command("stop")
@config_option
@click.confirmation_option(prompt="Hosts lose their volumes until the server starts again. Stop the daemons?")
def stop_data_path(config: str | None) -> None:
    """End this node's daemons. The next start of the server publishes everything again, under the same names."""
    from ....plugin_manager.configuration import load

    ended = server_parts().data_path_stop(load(config))
    click.echo(f"Ended: {', '.join(ended)}" if ended else "Nothing was running.")


@click.command()
@pass_session
def doctor(session: Session) -> None:
    """Say what is wrong and what to do about it; exits with 1 if anything is an error."""
    found = session.administration.doctor()
    if session.as_json:
        show_json(list(found))
    else:
        for line in finding_lines(found):
            click.echo(line)
    if any(finding.level == "error" for finding in found):
        sys.exit(1)


@click.group(cls=Group)
def plugin() -> None:
    """Plugins, drivers, targets and the other extensions of the server."""


@plugin.command("list")
@click.option("--kind", help="Only of this kind: plugins, drivers, targets, filters …")
@pass_session
def list_plugins(session: Session, kind: str | None) -> None:
    """List what the server found, broken ones with the reason."""
    found = [each for each in session.administration.extensions.list() if kind in (None, each.namespace)]
    if session.as_json:
        show_json(found)
    else:
        table(_EXTENSIONS, found)


@plugin.command("show")
@click.argument("kind")
@click.argument("name")
@pass_session
def show_plugin(session: Session, kind: str, name: str) -> None:
    """Show one extension with its settings."""
    answer(session, session.administration.extensions.get(kind, name))


@plugin.command("enable")
@click.argument("kind")
@click.argument("name")
@pass_session
def enable_plugin(session: Session, kind: str, name: str) -> None:
    """Load it at the next start of the server."""
    answer(session, session.administration.extensions.configure(kind, name, enabled=True))


@plugin.command("disable")
@click.argument("kind")
@click.argument("name")
@pass_session
def disable_plugin(session: Session, kind: str, name: str) -> None:
    """Do not load it from the next start of the server on."""
    answer(session, session.administration.extensions.configure(kind, name, enabled=False))


@plugin.command("set")
@click.argument("kind")
@click.argument("name")
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE…")
@pass_session
def set_plugin(session: Session, kind: str, name: str, settings: tuple[str, ...]) -> None:
    """Set an extension's settings; they count from the next start of the server on."""
    known = dict(session.administration.extensions.get(kind, name).settings)
    changed = session.administration.extensions.configure(kind, name, settings={**known, **given_settings(settings)})
    answer(session, changed)
