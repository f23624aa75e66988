"""`isthmus pool`."""

from __future__ import annotations

import click

from ....core.model.pool import Pool
from ....core.model.request import Changes
from ..command import Group, answer, listed, pass_session
from ..document import details
from ..listing import show_list
from ..naming import Names, beside
from ..session import Session
from .measuring import show_metrics

_COLUMNS = (
    ("STATE", "state"), ("TOTAL", "total"), ("USED", "used"), ("PROMISED", "provisioned"), ("RATIO", "ratio"),
    ("PROTOCOLS", "protocols"), ("ZONE", "zone"),
)  # fmt: skip


@click.group(cls=Group)
def pool() -> None:
    """Where there is room."""


@pool.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List pools."""
    columns = (("ID", "id"), ("BACKEND", "backend", Names(session).backend), ("NAME", "name"), *_COLUMNS)
    show_list(
        session, session.storage.pools.list, columns, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No pools. Add a back end with `isthmus backend add`.",
    )  # fmt: skip


@pool.command()
@click.argument("pool")
@pass_session
def show(session: Session, pool: str) -> None:
    """Show one pool."""

    def say(found: Pool) -> None:
        details(found, said={"backend": beside(Names(session).backend(found.backend), found.backend)})

    answer(session, session.storage.pools.get(pool), say)


@pool.command()
@click.argument("pool")
@click.option("--history", is_flag=True, help="What was measured lately, instead of now.")
@pass_session
def metrics(session: Session, pool: str, history: bool) -> None:
    """Measure what a pool holds, and how much of it is occupied and promised."""
    show_metrics(session, "pool", pool, history=history)


@pool.command()
@click.argument("pool")
@click.option("--ratio", type=click.FloatRange(1, 1000), help="Bytes of thin volumes promised for each byte.")
@click.option("--reserve", type=click.FloatRange(0, 1, max_open=True), help="The fraction that is kept free.")
@pass_session
def update(session: Session, pool: str, ratio: float | None, reserve: float | None) -> None:
    """Change how far a pool may be promised."""
    answer(session, session.storage.pools.update(pool, Changes(ratio=ratio, reserve=reserve)))
