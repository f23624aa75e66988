"""`isthmus backend`."""

from __future__ import annotations

import sys

import click

from ....core.model.description import Trial
from ....core.model.request import BackendRequest, Changes
from ..command import Group, answer, listed, pass_session
from ..configured import given_secrets, given_settings
from ..listing import show_list
from ..output import table
from ..session import Session

_COLUMNS = (
    ("NAME", "name"), ("DRIVER", "driver"), ("STATE", "state"), ("HEALTH", "health"), ("NODE", "node"),
    ("ABILITIES", "abilities"), ("ID", "id"),
)  # fmt: skip
_POOLS = (("POOL", "name"), ("TOTAL", "total"), ("USED", "used"), ("THIN", "thin"), ("THICK", "thick"))


@click.group(cls=Group)
def backend() -> None:
    """Add, test, disable and remove back ends."""


_CONFIGURED = (
    click.option("--driver", required=True, help="For example file or memory; see `isthmus plugin list`."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; may be repeated."),
    click.option("--secret", "secrets", multiple=True, metavar="KEY", help="A secret, asked for; may be repeated."),
    click.option("--zone", help="The availability zone of its pools."),
)


@backend.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List back ends."""
    show_list(
        session, session.administration.backends.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No back ends. Add one with `isthmus backend add`.",
    )  # fmt: skip


@backend.command()
@click.argument("backend")
@pass_session
def show(session: Session, backend: str) -> None:
    """Show one back end, by name or id."""
    answer(session, session.administration.backends.get(backend))


@backend.command()
@click.argument("name")
@_CONFIGURED[0]
@_CONFIGURED[1]
@_CONFIGURED[2]
@_CONFIGURED[3]
@pass_session
def add(
    session: Session, name: str, driver: str, settings: tuple[str, ...], secrets: tuple[str, ...], zone: str | None
) -> None:
    """Test a back end and add it.

    For example: isthmus backend add fast --driver file --set directory=/srv/isthmus
    """
    wanted = BackendRequest(name, driver, given_settings(settings), given_secrets(secrets), zone)
    answer(session, session.administration.backends.add(wanted))


@backend.command()
@click.argument("backend")
@click.option("--driver", help="Test a configuration that is not added, with this driver.")
@_CONFIGURED[1]
@_CONFIGURED[2]
@pass_session
def test(
    session: Session, backend: str, driver: str | None, settings: tuple[str, ...], secrets: tuple[str, ...]
) -> None:
    """Test a back end that is there, or with --driver a configuration."""
    wanted: BackendRequest | str = backend
    if driver:
        wanted = BackendRequest(backend, driver, given_settings(settings), given_secrets(secrets))
    found = session.administration.backends.test(wanted)
    answer(session, found, _show_trial)
    if not found.ok:
        sys.exit(1)


def _show_trial(found: Trial) -> None:
    if not found.ok:
        click.secho(f"It cannot serve: {found.reason}", fg="red")
        return
    click.secho("It can serve.", fg="green")
    click.echo(f"abilities  {', '.join(found.abilities)}")
    click.echo(f"protocols  {', '.join(found.protocols) or 'none'}")
    for protocol, reason in found.refusals.items():
        click.echo(f"not {protocol:<6} {reason}")
    table(_POOLS, list(found.pools))


@backend.command()
@click.argument("backend")
@pass_session
def disable(session: Session, backend: str) -> None:
    """Take no new volumes; what is there stays."""
    answer(session, session.administration.backends.update(backend, Changes(enabled=False)))


@backend.command()
@click.argument("backend")
@pass_session
def enable(session: Session, backend: str) -> None:
    """Take new volumes again."""
    answer(session, session.administration.backends.update(backend, Changes(enabled=True)))


@backend.command()
@click.argument("backend")
@pass_session
def remove(session: Session, backend: str) -> None:
    """Forget a back end that nothing is on; nothing is done to the storage itself."""
    session.administration.backends.remove(backend)
    click.echo("Removed.")
