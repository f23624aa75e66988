"""`isthmus host`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from ....core.model.host import Host, Initiator
from ....core.model.request import Changes, HostRequest
from ..command import Group, answer, listed, metadata_option, pairs, pass_session
from ..document import details
from ..listing import show_list
from ..output import plain
from ..session import Session


def _words(found: Sequence[Mapping[str, str]]) -> str:
    """Initiators as `--initiator` takes them."""
    return ", ".join(f"{each['protocol']}:{each['name']}" for each in found) or "-"


_COLUMNS = (("ID", "id"), ("NAME", "name"), ("ADDRESS", "address"), ("INITIATORS", "initiators", _words))
_INITIATOR_HELP = "For example iscsi:iqn.2004-10.com.example:web1; may be repeated."
_TAKE_HELP = "Take the initiators from hosts that have them and that nothing is attached to."


@click.group(cls=Group)
def host() -> None:
    """The machines that use volumes."""


def initiators(words: tuple[str, ...]) -> tuple[Initiator, ...]:
    """`PROTOCOL:NAME` words; a bare IQN or EUI is iscsi."""
    found = []
    for word in words:
        if word.startswith(("iqn.", "eui.")):
            found.append(Initiator("iscsi", word))
            continue
        protocol, colon, name = word.partition(":")
        if not colon:
            raise click.BadParameter(f"{word!r} is not PROTOCOL:NAME", param_hint="--initiator")
        found.append(Initiator(protocol, name))
    return tuple(found)


def _say(found: Host) -> None:
    details(found, said={"initiators": _words(plain(found.initiators))})


@host.command("list")
@listed
@pass_session
def list_(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List hosts."""
    show_list(
        session, session.storage.hosts.list, _COLUMNS, everything=everything, limit=limit, sort=sort,
        filters=filters, empty="No hosts.",
    )  # fmt: skip


@host.command()
@click.argument("host")
@pass_session
def show(session: Session, host: str) -> None:
    """Show one host."""
    answer(session, session.storage.hosts.get(host), _say)


@host.command()
@click.argument("name")
@click.option("--initiator", "words", multiple=True, help=_INITIATOR_HELP)
@click.option("--address", help="Where the host is, for people.")
@click.option("--os-type", default="")
@click.option("--installation", is_flag=True, help="For all tenants (administrators only).")
@click.option("--ensure", is_flag=True, help="Take the host that has these initiators, if there is one.")
@click.option("--take", is_flag=True, help=_TAKE_HELP)
@metadata_option
@pass_session
def create(
    session: Session, name: str, words: tuple[str, ...], address: str | None, os_type: str, installation: bool,
    ensure: bool, take: bool, notes: tuple[str, ...],
) -> None:  # fmt: skip
    """Make a host known."""
    wanted = HostRequest(name, initiators(words), os_type, address, installation, pairs(notes), take)
    hosts = session.storage.hosts
    answer(session, hosts.ensure(wanted) if ensure else hosts.create(wanted), _say)


@host.command()
@click.argument("host")
@click.option("--name")
@click.option("--address")
@click.option("--initiator", "words", multiple=True, help=f"All that it is to have. {_INITIATOR_HELP}")
@click.option("--take", is_flag=True, help=_TAKE_HELP)
@metadata_option
@pass_session
def update(
    session: Session, host: str, name: str | None, address: str | None, words: tuple[str, ...], take: bool,
    notes: tuple[str, ...],
) -> None:  # fmt: skip
    """Change a host's name, address, initiators or notes."""
    changes = Changes(
        name=name,
        address=address,
        initiators=initiators(words) if words else None,
        take=take or None,
        metadata=pairs(notes) if notes else None,
    )
    answer(session, session.storage.hosts.update(host, changes), _say)


@host.command()
@click.argument("host")
@pass_session
def delete(session: Session, host: str) -> None:
    """Forget a host that nothing is attached to."""
    session.storage.hosts.delete(host)
    click.echo("Deleted.")
