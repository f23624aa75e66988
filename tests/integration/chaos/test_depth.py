"""A real server that is killed in each step of each flow, daemons that are killed, and hosts that do not notice."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.clients import Busy, connect, qemu_io
from tests.chaos.depth import SIZE, Site, run_all, site
from tests.environment import iscsi, nbd
from tests.environment.server import until

MISSING = {"iscsi": iscsi.missing(), "nbd": nbd.missing()}
PLACES = [
    pytest.param(
        (database, kept),
        protocol,
        id=f"{database}-{protocol}-{kept}",
        marks=pytest.mark.skipif(bool(MISSING[protocol]), reason=MISSING[protocol]),
    )
    for database, protocol, kept in (
        ("sqlite", "iscsi", "qcow2"),
        ("postgresql", "nbd", "qcow2"),
        ("sqlite", "nbd", "raw"),
    )
]
"""Each database, each protocol and each format once; `python -m tests.chaos.depth` runs the others."""


@pytest.fixture(params=[("sqlite", "auto"), ("postgresql", "auto")], ids="-".join)
def place(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A furnished installation with a running server, once on each database."""
    kind, kept = request.param
    database = "" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    # Not below pytest's folders, which the daemons' account may not enter.
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-depth-", dir="/var/tmp") as folder,
        site(Path(folder), database, kept) as made,
    ):
        yield made


def _attached(place: Site, protocol: str) -> str:
    if protocol not in place.protocols():
        pytest.skip(f"the file driver cannot publish over {protocol} here")
    volume = place.do("POST", "volumes", {"name": "kept", "size": SIZE, "profile": protocol})["volume"]
    return str(place.do("POST", "attachments", {"volume": volume, "host": place.host})["attachment"])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("place", "protocol"), PLACES, indirect=["place"])
def test_a_server_killed_in_each_step_of_each_flow_leaves_nothing_half_done(
    place: Site, protocol: str, record_property: Callable[[str, object], None]
) -> None:
    if protocol not in place.protocols():
        pytest.skip(f"the file driver cannot publish over {protocol} here")
    count = run_all(place, protocol)
    record_property("counted: chaos in depth, kills of a whole server", count)
    assert count >= 25


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_a_reboot_exports_come_back_the_same_with_their_data(
    place: Site, record_property: Callable[[str, object], None]
) -> None:
    wanted = [protocol for protocol in place.protocols() if not MISSING.get(protocol, "unknown")]
    if not wanted:
        pytest.skip("; ".join(MISSING.values()))
    attachments = {protocol: _attached(place, protocol) for protocol in wanted}
    before = {attachment: place.connection(attachment) for attachment in attachments.values()}
    seen = {}
    for protocol, attachment in attachments.items():
        place.io(attachment, "write -P 0x51 1M 1M")
        host = connect(before[attachment])
        seen[protocol] = (host.identifier, host.size)
        host.close()

    died = place.reboot()
    place.start()

    assert died >= len(wanted)
    record_property("counted: chaos in depth, daemons killed as by a reboot", died)
    place.in_order("a reboot")
    for protocol, attachment in attachments.items():
        assert place.connection(attachment) == before[attachment]
        # With what the host was told before: it does not know that anything happened.
        qemu_io(before[attachment], place.folder / "client", "read -P 0x51 1M 1M", "write -P 0x52 2M 1M")
        host = connect(before[attachment])
        assert (host.identifier, host.size) == seen[protocol]
        host.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_hosts_do_not_notice_that_the_server_dies_and_comes_back(place: Site) -> None:
    wanted = [protocol for protocol in place.protocols() if not MISSING.get(protocol, "unknown")]
    if not wanted:
        pytest.skip("; ".join(MISSING.values()))
    hosts = [Busy(place.connection(_attached(place, protocol))) for protocol in wanted]

    place.kill()
    at_death = [host.rounds for host in hosts]
    until(lambda: all(host.rounds > then for host, then in zip(hosts, at_death, strict=True)))
    meanwhile = [host.rounds for host in hosts]
    place.start()
    place.in_order("the server came back")

    assert all(host.stop() > then for host, then in zip(hosts, meanwhile, strict=True))
