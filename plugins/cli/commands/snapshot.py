"""`isthmus snapshot`."""

from __future__ import annotations

import click

from ....core.model.request import Changes, SnapshotRequest
from ..command import Group, answer, listed, metadata_option, pairs, pass_session
from ..following import follow
from ..listing import show_list
from ..session import Session
from .changing import changing

_COLUMNS = (
    ("ID", "id"), ("NAME", "name"), ("VOLUME", "volume"), ("SIZE", "size"), ("STATE", "state"),
    ("CREATED", "created_at"),
)  # fmt: skip


@click.group(cls=Group)
def snapshot() -> None:
    """Keep what a volume is now."""


@snapshot.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List snapshots (sort by created_at, name or size)."""
    show_list(
        session, session.storage.snapshots.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No snapshots.",
    )  # fmt: skip


@snapshot.command()
@click.argument("snapshot")
@pass_session
def show(session: Session, snapshot: str) -> None:
    """Show one snapshot."""
    answer(session, session.storage.snapshots.get(snapshot))


@snapshot.command()
@click.argument("volume")
@click.argument("name")
@click.option("--description", default="")
@metadata_option
@changing
@pass_session
def create(
    session: Session, volume: str, name: str, description: str, notes: tuple[str, ...], wait: bool, timeout: float,
    dry_run: bool, key: str | None,
) -> None:  # fmt: skip
    """Take a snapshot NAME of VOLUME."""
    wanted = SnapshotRequest(volume, name, description, pairs(notes))
    follow(session, session.storage.snapshots.create(wanted, key=key, dry_run=dry_run), wait=wait, timeout=timeout)


@snapshot.command()
@click.argument("snapshot")
@click.option("--name")
@click.option("--description")
@metadata_option
@pass_session
def update(session: Session, snapshot: str, name: str | None, description: str | None, notes: tuple[str, ...]) -> None:
    """Rename a snapshot, or change its description or notes."""
    changes = Changes(name=name, description=description, metadata=pairs(notes) if notes else None)
    answer(session, session.storage.snapshots.update(snapshot, changes))


@snapshot.command()
@click.argument("snapshot")
@changing
@pass_session
def delete(session: Session, snapshot: str, wait: bool, timeout: float, dry_run: bool, key: str | None) -> None:
    """Delete a snapshot; volumes made from it stay."""
    operation = session.storage.snapshots.delete(snapshot, key=key, dry_run=dry_run)
    follow(session, operation, wait=wait, timeout=timeout)
