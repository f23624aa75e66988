"""`isthmus profile`."""

from __future__ import annotations

import json
from typing import Any, TextIO

import click

from ....core.model.request import Changes, ProfileRequest
from ..command import Group, answer, listed, pass_session
from ..listing import show_list
from ..session import Session

_COLUMNS = (
    ("ID", "id"), ("NAME", "name"), ("TYPE", "storage_type"), ("DEFAULT", "is_default"),
    ("NOT ENFORCED", "unenforced"), ("DESCRIPTION", "description"),
)  # fmt: skip


@click.group(cls=Group)
def profile() -> None:
    """What may be asked of storage."""


def _read(file: TextIO | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        document = json.load(file)
    except ValueError as error:
        raise click.BadParameter(f"the file is not JSON: {error}", param_hint="--file") from error
    if not isinstance(document, dict):
        raise click.BadParameter("the file holds no JSON object", param_hint="--file")
    return document


@profile.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List profiles."""
    show_list(
        session, session.storage.profiles.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters,
    )  # fmt: skip


@profile.command()
@click.argument("profile")
@pass_session
def show(session: Session, profile: str) -> None:
    """Show one profile, by id or name."""
    answer(session, session.storage.profiles.get(profile))


@profile.command()
@click.argument("name")
@click.option("--file", type=click.File(), help="The profile's document, as JSON.")
@click.option("--protocol", help="Short for ioConnectivity.accessProtocol: iscsi or nbd.")
@click.option("--thick", is_flag=True, help="Short for dataStorage.provisioningPolicy Thick.")
@click.option("--multi-attach", is_flag=True, help="Several hosts may have a volume at once.")
@click.option("--type", "storage_type", type=click.Choice(["block", "file", "object"]), default="block")
@click.option("--description", default="")
@click.option("--default", "is_default", is_flag=True, help="Use it where no profile is named.")
@click.option("--tenant", "tenants", multiple=True, help="Only for this tenant (id); may be repeated.")
@pass_session
def create(
    session: Session, name: str, file: TextIO | None, protocol: str | None, thick: bool, multi_attach: bool,
    storage_type: str, description: str, is_default: bool, tenants: tuple[str, ...],
) -> None:  # fmt: skip
    """Make a profile (administrators)."""
    properties = _read(file)
    provisioning = properties.setdefault("provisioningProperties", {}) if protocol or thick else {}
    if protocol:
        provisioning.setdefault("ioConnectivity", {})["accessProtocol"] = protocol
    if thick:
        provisioning.setdefault("dataStorage", {})["provisioningPolicy"] = "Thick"
    if multi_attach:
        properties.setdefault("customProperties", {})["capabilities:multiAttach"] = "<is> true"
    made = session.storage.profiles.create(
        ProfileRequest(name, properties, storage_type, description, is_default, tenants)
    )
    answer(session, made)
    if made.unenforced and not session.as_json:
        click.secho(f"Nothing enforces: {', '.join(made.unenforced)}", fg="yellow", err=True)


@profile.command()
@click.argument("profile")
@click.option("--name")
@click.option("--file", type=click.File(), help="The new document, as JSON.")
@click.option("--description")
@click.option("--default", "is_default", is_flag=True, default=None)
@pass_session
def update(
    session: Session, profile: str, name: str | None, file: TextIO | None, description: str | None,
    is_default: bool | None,
) -> None:  # fmt: skip
    """Change a profile (administrators); volumes that exist stay where they are."""
    changes = Changes(
        name=name, description=description, properties=_read(file) if file else None, is_default=is_default
    )
    answer(session, session.storage.profiles.update(profile, changes))


@profile.command()
@click.argument("profile")
@pass_session
def delete(session: Session, profile: str) -> None:
    """Delete a profile that no volume has."""
    session.storage.profiles.delete(profile)
    click.echo("Deleted.")
