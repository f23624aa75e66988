"""`isthmus system`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ....core.model.description import Trial
from ....core.model.request import Changes, SystemRequest
from ..command import Group, answer, listed, pairs, pass_session
from ..configured import given_secrets, given_settings
from ..listing import show_list
from ..session import Session

_COLUMNS = (
    ("NAME", "name"), ("ADAPTER", "adapter"), ("ADDRESS", "address"), ("STATE", "state"), ("HEALTH", "health"),
    ("PRODUCT", "product"), ("ID", "id"),
)  # fmt: skip
_ADDRESS = click.option("--address", metavar="URL", help="Where it is, for example https://HOST:7460.")
_SET = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; may be repeated.")
_FILE = click.option(
    "--set-file", "files", multiple=True, metavar="KEY=PATH", help="A setting that is a file's text; may be repeated."
)
_SECRET = click.option(
    "--secret", "secrets", multiple=True, metavar="KEY", help="A secret, asked for; may be repeated."
)


@click.group(cls=Group)
def system() -> None:
    """Add, test, change and remove other storage systems that plugins reach."""


def _configured(words: tuple[str, ...], files: tuple[str, ...]) -> dict[str, Any]:
    """`KEY=VALUE`, and `KEY=PATH` for the text of a file."""
    found = given_settings(words)
    for name, path in pairs(files).items():
        try:
            found[name] = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{path} cannot be read") from error
    return found


@system.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List systems; `local` is this installation itself."""
    show_list(
        session, session.administration.systems.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters,
    )  # fmt: skip


@system.command()
@click.argument("system")
@pass_session
def show(session: Session, system: str) -> None:
    """Show one system, by name or id."""
    answer(session, session.administration.systems.get(system))


@system.command()
@click.argument("name")
@click.option("--adapter", default="remote", show_default=True, help="How it is reached; see `isthmus plugin list`.")
@_ADDRESS
@_SET
@_FILE
@_SECRET
@pass_session
def add(
    session: Session,
    name: str,
    adapter: str,
    address: str | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:
    """Ask a system, and add it when it answers.

    For example: isthmus system add branch --address https://storage.branch.example:7460 --set-file ca=branch.pem
    --secret token
    """
    wanted = SystemRequest(name, adapter, address, _configured(settings, files), given_secrets(secrets))
    answer(session, session.administration.systems.add(wanted))


@system.command()
@click.argument("system")
@click.option("--adapter", help="Test a configuration that is not added, with this adapter.")
@_ADDRESS
@_SET
@_FILE
@_SECRET
@pass_session
def test(
    session: Session,
    system: str,
    adapter: str | None,
    address: str | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:
    """Ask a system that is there how it is, or with --adapter try a configuration."""
    if adapter is None and (address or settings or files or secrets):
        raise click.UsageError("To try a configuration that is not added, name its --adapter.")
    wanted: SystemRequest | str = system
    if adapter:
        wanted = SystemRequest(system, adapter, address, _configured(settings, files), given_secrets(secrets))
    found = session.administration.systems.test(wanted)
    answer(session, found, _show_trial)
    if not found.ok:
        sys.exit(1)


def _show_trial(found: Trial) -> None:
    if not found.ok:
        click.secho(f"It cannot serve: {found.reason}", fg="red")
        return
    click.secho("It answers.", fg="green")
    click.echo(f"offers     {', '.join(found.abilities)}")
    click.echo(f"protocols  {', '.join(found.protocols) or 'none'}")


@system.command()
@click.argument("system")
@click.option("--name", help="Call it so from now on.")
@_ADDRESS
@_SET
@_FILE
@click.option("--unset", multiple=True, metavar="KEY", help="Take a setting away; may be repeated.")
@_SECRET
@click.option("--forget", multiple=True, metavar="KEY", help="Take a secret away; may be repeated.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it is reached.")
@pass_session
def update(
    session: Session,
    system: str,
    name: str | None,
    address: str | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    unset: tuple[str, ...],
    secrets: tuple[str, ...],
    forget: tuple[str, ...],
    enabled: bool | None,
) -> None:
    """Change a system; settings and secrets that are not named stay. An enabled one is asked first.

    For example: isthmus system update branch --secret token
    """
    systems = session.administration.systems
    changed, version = _configured(settings, files), None
    kept = None
    if changed or unset:
        known = systems.get(system)
        kept = {key: value for key, value in {**known.settings, **changed}.items() if key not in unset}
        version = known.version
    given: dict[str, str | None] = {**given_secrets(secrets), **dict.fromkeys(forget)}
    changes = Changes(name=name, address=address, settings=kept, secrets=given or None, enabled=enabled)
    if changes == Changes():
        raise click.UsageError("Nothing to change.")
    answer(session, systems.update(system, changes, if_version=version))


@system.command()
@click.argument("system")
@pass_session
def remove(session: Session, system: str) -> None:
    """Forget a system and its credential; nothing is done to the system itself."""
    session.administration.systems.remove(system)
    click.echo("Removed.")
