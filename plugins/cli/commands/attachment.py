"""`isthmus attachment`."""

from __future__ import annotations

from typing import TextIO

import click

from ....core.model.attachment import AccessMode
from ....core.model.request import AttachmentRequest, ChapCredential
from ..command import Group, listed, metadata_option, pairs, pass_session
from ..connecting import instructions
from ..document import details
from ..following import follow
from ..listing import show_list
from ..output import show_json
from ..session import Session
from .changing import changing

_COLUMNS = (
    ("ID", "id"), ("VOLUME", "volume"), ("HOST", "host"), ("MODE", "mode"), ("STATE", "state"),
    ("PROTOCOL", "protocol"),
)  # fmt: skip


@click.group(cls=Group)
def attachment() -> None:
    """Make volumes reachable for hosts."""


@attachment.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List attachments."""
    show_list(
        session, session.storage.attachments.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="Nothing is attached.",
    )  # fmt: skip


@attachment.command()
@click.argument("attachment")
@click.option("--secrets", is_flag=True, help="Show the credentials instead of where to put them.")
@pass_session
def show(session: Session, attachment: str, secrets: bool) -> None:
    """Show an attachment and the commands for its host."""
    found = session.storage.attachments.get(attachment)
    if session.as_json and not secrets:
        show_json(found)
        return
    if not session.as_json:
        details(found, leave_out=("connection",))
    if found.state.value != "attached":
        return
    connection = session.storage.attachments.connection(attachment)
    if session.as_json:
        show_json(connection)
        return
    click.echo("\nOn the host:")
    for line in instructions(found, connection, with_secrets=secrets):
        click.echo(f"  {line}" if line else "")


@attachment.command()
@click.argument("volume")
@click.argument("host")
@click.option("--read-only", is_flag=True)
@click.option("--chap-user", default="", help="The CHAP user name, for iSCSI; made for you by default.")
@click.option(
    "--chap-secret", type=click.File(), metavar="FILE",
    help="A file with the CHAP secret, - for standard input; made for you by default.",
)  # fmt: skip
@metadata_option
@changing
@pass_session
def create(
    session: Session, volume: str, host: str, read_only: bool, chap_user: str, chap_secret: TextIO | None,
    notes: tuple[str, ...], wait: bool, timeout: float, dry_run: bool, key: str | None,
) -> None:  # fmt: skip
    """Attach VOLUME to HOST."""
    if chap_user and chap_secret is None:
        raise click.UsageError("A CHAP user name needs a secret: give --chap-secret FILE.")
    credential = None if chap_secret is None else ChapCredential(chap_secret.read().rstrip("\r\n"), chap_user)
    mode = AccessMode.READ_ONLY if read_only else AccessMode.READ_WRITE
    wanted = AttachmentRequest(volume, host, mode, pairs(notes), credential)
    operation = session.storage.attachments.create(wanted, key=key, dry_run=dry_run)
    done = follow(session, operation, wait=wait, timeout=timeout)
    if done.result.get("attachment") and not session.as_json:
        click.echo(f"The host's commands: `isthmus attachment show {done.result['attachment']}`.")


@attachment.command()
@click.argument("attachment")
@changing
@pass_session
def delete(session: Session, attachment: str, wait: bool, timeout: float, dry_run: bool, key: str | None) -> None:
    """Detach: the host's sessions end."""
    operation = session.storage.attachments.delete(attachment, key=key, dry_run=dry_run)
    follow(session, operation, wait=wait, timeout=timeout)
