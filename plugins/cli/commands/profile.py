"""`isthmus profile`."""

from __future__ import annotations

import json
from typing import Any, TextIO

import click

from ....core.model.opensds import wanted
from ....core.model.request import Changes, ProfileRequest
from ..command import Group, answer, listed, pass_session
from ..listing import show_list
from ..session import Session

_COLUMNS = (
    ("ID", "id"), ("NAME", "name"), ("TYPE", "storage_type"), ("DEFAULT", "is_default"),
    ("NOT ENFORCED", "unenforced"), ("DESCRIPTION", "description"),
)  # fmt: skip
_FILE = "What is wanted: a profile as OpenSDS has it, as JSON; a name in it does not count."


@click.group(cls=Group)
def profile() -> None:
    """What may be asked of storage."""


def _read(file: TextIO | None, name: str, storage_type: str) -> ProfileRequest:
    """What the file says of the profile of this name (whatever name it gives it), and of this type unless it says."""
    if file is None:
        return ProfileRequest(name, storage_type=storage_type)
    try:
        document = json.load(file)
    except ValueError as error:
        raise click.BadParameter(f"the file is not JSON: {error}", param_hint="--file") from error
    if not isinstance(document, dict):
        raise click.BadParameter("the file holds no JSON object", param_hint="--file")
    return wanted({"storageType": storage_type, **document, "name": name})


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
@click.option("--file", type=click.File(), help=_FILE)
@click.option("--protocol", help="Short for ioConnectivity.accessProtocol: iscsi or nbd.")
@click.option("--thick", is_flag=True, help="Short for dataStorage.provisioningPolicy Thick.")
@click.option("--multi-attach", is_flag=True, help="Several hosts may have a volume at once.")
@click.option(
    "--type", "storage_type", type=click.Choice(["block", "file", "object"]), help="Block, or what the file says."
)
@click.option("--description")
@click.option("--default", "is_default", is_flag=True, help="Use it where no profile is named.")
@click.option("--tenant", "tenants", multiple=True, help="Only for this tenant (id); may be repeated.")
@pass_session
def create(
    session: Session, name: str, file: TextIO | None, protocol: str | None, thick: bool, multi_attach: bool,
    storage_type: str | None, description: str | None, is_default: bool, tenants: tuple[str, ...],
) -> None:  # fmt: skip
    """Make a profile (administrators)."""
    given = _read(file, name, "block")
    properties: dict[str, Any] = dict(given.properties)
    provisioning = properties.setdefault("provisioningProperties", {}) if protocol or thick else {}
    if protocol:
        provisioning.setdefault("ioConnectivity", {})["accessProtocol"] = protocol
    if thick:
        provisioning.setdefault("dataStorage", {})["provisioningPolicy"] = "Thick"
    if multi_attach:
        properties.setdefault("customProperties", {})["capabilities:multiAttach"] = "<is> true"
    made = session.storage.profiles.create(
        ProfileRequest(
            name,
            properties,
            storage_type or given.storage_type,
            given.description if description is None else description,
            is_default,
            tenants,
        )
    )
    answer(session, made)
    if made.unenforced and not session.as_json:
        click.secho(f"Nothing enforces: {', '.join(made.unenforced)}", fg="yellow", err=True)


@profile.command()
@click.argument("profile")
@click.option("--name")
@click.option("--file", type=click.File(), help=_FILE)
@click.option("--description")
@click.option("--default", "is_default", is_flag=True, default=None)
@pass_session
def update(
    session: Session, profile: str, name: str | None, file: TextIO | None, description: str | None,
    is_default: bool | None,
) -> None:  # fmt: skip
    """Change a profile (administrators); volumes that exist stay where they are."""
    properties = None
    if file is not None:
        known = session.storage.profiles.get(profile)
        given = _read(file, known.name, known.storage_type)
        if given.storage_type != known.storage_type:
            raise click.BadParameter(f"the profile stays one for {known.storage_type}", param_hint="--file")
        properties = given.properties
        description = (given.description or None) if description is None else description
    changes = Changes(name=name, description=description, properties=properties, is_default=is_default)
    answer(session, session.storage.profiles.update(profile, changes))


@profile.command()
@click.argument("profile")
@pass_session
def delete(session: Session, profile: str) -> None:
    """Delete a profile that no volume has."""
    session.storage.profiles.delete(profile)
    click.echo("Deleted.")
