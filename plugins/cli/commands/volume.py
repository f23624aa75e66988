"""`isthmus volume`."""

from __future__ import annotations

import click

from ....core.model.request import Changes, VolumeRequest
from ....core.model.volume import Volume
from ..command import Group, answer, listed, metadata_option, pairs, pass_session
from ..document import details
from ..following import follow
from ..listing import show_list
from ..naming import Names, beside
from ..session import Session
from ..sizes import Size
from .changing import changing
from .measuring import show_metrics

_COLUMNS = (
    ("ID", "id"), ("NAME", "name"), ("SIZE", "size"), ("STATE", "state"), ("PROTOCOL", "protocol"),
    ("POOL", "pool"), ("CREATED", "created_at"),
)  # fmt: skip


@click.group(cls=Group)
def volume() -> None:
    """Make, change and delete volumes."""


@volume.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List volumes (sort by created_at, name or size)."""
    show_list(
        session, session.storage.volumes.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No volumes. Make one with `isthmus volume create NAME --size 20GiB --wait`.",
    )  # fmt: skip


@volume.command()
@click.argument("volume")
@pass_session
def show(session: Session, volume: str) -> None:
    """Show one volume."""

    def say(found: Volume) -> None:
        names = Names(session)
        said = {"profile": beside(names.profile(found.profile), found.profile)}
        if found.pool is not None:
            said["pool"] = beside(names.place(found.pool, found.pool), found.pool)
        details(found, said=said)

    answer(session, session.storage.volumes.get(volume), say)


@volume.command()
@click.argument("volume")
@click.option("--history", is_flag=True, help="What was measured lately, instead of now.")
@pass_session
def metrics(session: Session, volume: str, history: bool) -> None:
    """Measure what a volume occupies, and what its hosts read and wrote."""
    show_metrics(session, "volume", volume, history=history)


@volume.command()
@click.argument("name")
@click.option("--size", type=Size(), help="For example 20GiB; may be left out for a copy.")
@click.option("--profile", help="A profile's name or id; the default profile without it.")
@click.option("--zone", help="An availability zone.")
@click.option("--pool", help="The id of a pool; without it the scheduler chooses.")
@click.option("--description", default="")
@click.option("--from-snapshot", "source_snapshot", help="Copy this snapshot.")
@click.option("--clone-of", "source_volume", help="Clone this volume.")
@click.option("--near", multiple=True, metavar="VOLUME", help="Place it where this volume is; may be repeated.")
@click.option("--apart-from", "apart", multiple=True, metavar="VOLUME", help="Place it elsewhere; may be repeated.")
@click.option("--scope", type=click.Choice(["pool", "backend"]), default="pool", help="What near and apart compare.")
@metadata_option
@changing
@pass_session
def create(
    session: Session, name: str, size: int | None, profile: str | None, zone: str | None, pool: str | None,
    description: str, source_snapshot: str | None, source_volume: str | None, near: tuple[str, ...],
    apart: tuple[str, ...], scope: str, notes: tuple[str, ...], wait: bool, timeout: float, dry_run: bool,
    key: str | None,
) -> None:  # fmt: skip
    """Make a volume, wherever there is room for its profile."""
    if size is None and not (source_snapshot or source_volume):
        raise click.UsageError("Give --size, or a source with --from-snapshot or --clone-of.")
    wanted = VolumeRequest(
        name=name, size=size or 0, profile=profile, description=description, zone=zone, pool=pool,
        source_volume=source_volume, source_snapshot=source_snapshot, near=near, apart=apart, scope=scope,
        metadata=pairs(notes),
    )  # fmt: skip
    follow(session, session.storage.volumes.create(wanted, key=key, dry_run=dry_run), wait=wait, timeout=timeout)


@volume.command()
@click.argument("volume")
@click.option("--name")
@click.option("--description")
@metadata_option
@pass_session
def update(session: Session, volume: str, name: str | None, description: str | None, notes: tuple[str, ...]) -> None:
    """Rename a volume, or change its description or notes."""
    changes = Changes(name=name, description=description, metadata=pairs(notes) if notes else None)
    answer(session, session.storage.volumes.update(volume, changes))


@volume.command()
@click.argument("volume")
@click.option("--every", type=click.Choice(["hourly", "daily", "weekly", "monthly", "never"]), help="How often.")
@click.option("--from", "first", help="The first time, for example 2030-01-31T22:00:00Z; later ones follow from it.")
@click.option("--keep", type=click.IntRange(1), help="How many are kept.")
@click.option("--days", type=click.IntRange(1), help="For how many days one is kept.")
@click.option("--as-profile", is_flag=True, help="As the volume's profile says.")
@pass_session
def protect(
    session: Session, volume: str, every: str | None, first: str | None, keep: int | None, days: int | None,
    as_profile: bool,
) -> None:  # fmt: skip
    """Let snapshots of a volume be taken by themselves."""
    if as_profile == (every is not None):
        raise click.UsageError("Give --every, or --as-profile.")
    protection: dict[str, dict[str, str | int]] = {}
    if every is not None:
        protection["schedule"] = {"occurrence": every.capitalize(), **({"datetime": first} if first else {})}
        retention = {name: value for name, value in (("number", keep), ("duration", days)) if value is not None}
        protection |= {"retention": dict(retention)} if retention else {}
    answer(session, session.storage.volumes.update(volume, Changes(protection=protection)))


@volume.command()
@click.argument("volume")
@click.argument("size", type=Size())
@changing
@pass_session
def extend(
    session: Session, volume: str, size: int, wait: bool, timeout: float, dry_run: bool, key: str | None
) -> None:
    """Grow a volume to SIZE."""
    operation = session.storage.volumes.extend(volume, size, key=key, dry_run=dry_run)
    follow(session, operation, wait=wait, timeout=timeout)


@volume.command()
@click.argument("volume")
@click.argument("snapshot")
@changing
@pass_session
def revert(
    session: Session, volume: str, snapshot: str, wait: bool, timeout: float, dry_run: bool, key: str | None
) -> None:
    """Bring a detached volume back to what it was at SNAPSHOT. What was written since is lost."""
    operation = session.storage.volumes.revert(volume, snapshot, key=key, dry_run=dry_run)
    follow(session, operation, wait=wait, timeout=timeout)


@volume.command()
@click.argument("volume")
@click.option("--with-snapshots", is_flag=True, help="Delete its snapshots too.")
@changing
@pass_session
def delete(
    session: Session, volume: str, with_snapshots: bool, wait: bool, timeout: float, dry_run: bool, key: str | None
) -> None:
    """Delete a volume and what is on it."""
    operation = session.storage.volumes.delete(volume, with_snapshots=with_snapshots, key=key, dry_run=dry_run)
    follow(session, operation, wait=wait, timeout=timeout)
