"""Chosen credentials and taken initiators, when many ask at once, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from isthmus.core.errors import Conflict, InUse, Invalid, IsthmusError, KeyReused
from isthmus.core.model.host import Host, Initiator
from isthmus.core.model.page import Query
from isthmus.core.model.request import AttachmentRequest, Changes, ChapCredential, HostRequest
from isthmus.core.store import schema
from tests.environment.engine import done, ended
from tests.unit.engine.bench import Bench

AT_ONCE = 6
SECRET = "sixteen-letters1"


def together(asked: Sequence[Callable[[], Any]]) -> list[Any]:
    """What becomes of calls that begin at the same moment: their results, or the errors that they raise."""
    gate = Barrier(len(asked))

    def one(ask: Callable[[], Any]) -> Any:
        gate.wait(20)
        try:
            return ask()
        except IsthmusError as error:
            return error

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(one, asked))


def named(bench: Bench, *names: str) -> Host:
    wanted = HostRequest("web", tuple(Initiator("memory", name) for name in names))
    return bench.engine.hosts.create(bench.root, wanted)


def holders(bench: Bench, name: str) -> list[str]:
    return [host.id for host in bench.engine.hosts.list(bench.root, Query(filters={"initiator": name})).items]


@pytest.mark.parametrize(
    "name",
    ["garbage", "iqn.example", "iqn.2026-13.com.example", "iqn.2026-01.", "eui.12", "eui.0123456789abcdeg", "naa.6"],
)
def test_a_name_that_no_target_would_serve_is_refused_at_the_host(bench: Bench, name: str) -> None:
    wanted = (Initiator("iscsi", name),)
    asked: tuple[Callable[[], Host], ...] = (
        lambda: bench.engine.hosts.create(bench.root, HostRequest("web", wanted)),
        lambda: bench.engine.hosts.ensure(bench.root, HostRequest("web", wanted)),
        lambda: bench.engine.hosts.update(bench.root, bench.host(), Changes(initiators=wanted)),
    )
    for ask in asked:
        with pytest.raises(Invalid, match="no iSCSI name") as refused:
            ask()
        assert "iqn.2004-10.com.example:host1" in str(refused.value.next_step)


def test_every_form_of_an_iscsi_name_is_taken(bench: Bench) -> None:
    for name in (
        "iqn.2001-04.com.example",
        "iqn.1998-01.com.vmware:esx-01-5f3c2a1b",
        "iqn.1991-05.com.microsoft:WEB_1.example.com",
        "eui.02004567A425678D",
        "naa.52004567BA64678D",
        "naa.62004567BA64678D0123456789ABCDEF",
    ):
        wanted = HostRequest("web", (Initiator("iscsi", name), Initiator("nbd", f"free-{name[:20]}")))
        assert len(bench.engine.hosts.create(bench.root, wanted).initiators) == 2


def test_a_chosen_secret_is_nowhere_but_sealed(bench: Bench) -> None:
    volume, host = bench.volume(), bench.host()
    wanted = AttachmentRequest(volume, host, credential=ChapCredential(SECRET, "web1"))
    operation = done(bench.engine, bench.engine.attachments.create(bench.root, wanted, key="once"))
    with bench.engine.database.read() as tx:
        rows = [str(row) for table in schema.metadata.sorted_tables for row in tx.execute(table.select())]
        sealed = bench.engine.parts.exports.read_secrets(tx, str(operation.result["attachment"]))
    assert sealed == {"chap_user": "web1", "chap_secret": SECRET}
    assert rows and not [row for row in rows if SECRET in row]
    assert SECRET not in repr(wanted)
    other = AttachmentRequest(volume, host, credential=ChapCredential("another-secret-1", "web1"))
    with pytest.raises(KeyReused):
        bench.engine.attachments.create(bench.root, other, key="once")


def test_a_user_name_is_known_to_be_taken_before_the_target_says_so(bench: Bench) -> None:
    first, second, host = bench.volume("first"), bench.volume("second"), bench.host()
    come, go_on = bench.hangs("grant")
    credential = ChapCredential(SECRET, "webx1")
    attaching = bench.engine.attachments.create(bench.root, AttachmentRequest(first, host, credential=credential))
    assert come.wait(20)
    with pytest.raises(InUse):
        bench.engine.attachments.create(bench.root, AttachmentRequest(second, host, credential=credential))
    go_on.set()
    bench.well()
    attachment = done(bench.engine, attaching).result["attachment"]
    done(bench.engine, bench.engine.attachments.delete(bench.root, str(attachment)))
    again = AttachmentRequest(bench.volume("third"), host, credential=credential)
    done(bench.engine, bench.engine.attachments.create(bench.root, again))


def test_an_attachment_that_fails_gives_the_name_back(bench: Bench) -> None:
    volume, host = bench.volume(), bench.host()
    wanted = AttachmentRequest(volume, host, credential=ChapCredential(SECRET, "web1"))
    bench.fails("grant", Invalid("not today"))
    failed = ended(bench.engine, bench.engine.attachments.create(bench.root, wanted).id)
    assert failed.error is not None
    bench.well()
    done(bench.engine, bench.engine.attachments.create(bench.root, wanted))


def test_of_many_attachments_that_choose_one_user_name_one_has_it(bench: Bench) -> None:
    host = bench.host()
    volumes = [bench.volume(f"volume{number}") for number in range(AT_ONCE)]
    credential = ChapCredential(SECRET, "web1")
    outcomes = together(
        [
            lambda volume=volume: bench.engine.attachments.create(  # type: ignore[misc]
                bench.root, AttachmentRequest(volume, host, credential=credential)
            )
            for volume in volumes
        ]
    )
    assert len([one for one in outcomes if not isinstance(one, InUse)]) == 1
    (accepted,) = (one for one in outcomes if not isinstance(one, IsthmusError))
    done(bench.engine, accepted)
    assert len(bench.engine.attachments.list(bench.root).items) == 1


def test_of_many_hosts_that_take_a_name_one_has_it(bench: Bench) -> None:
    named(bench, "shared")
    wanted = [
        HostRequest(f"host{number}", (Initiator("memory", "shared"), Initiator("memory", f"own{number}")), take=True)
        for number in range(AT_ONCE)
    ]
    outcomes = together([lambda one=one: bench.engine.hosts.create(bench.root, one) for one in wanted])  # type: ignore[misc]
    assert all(isinstance(one, Host | Conflict) for one in outcomes), outcomes
    assert len(holders(bench, "shared")) == 1
    assert not [host for host in bench.engine.hosts.list(bench.root).items if not host.initiators]


def test_a_name_is_not_taken_from_a_host_that_gets_a_volume_in_this_moment(bench: Bench) -> None:
    for number in range(4):
        host, volume = named(bench, f"name{number}"), bench.volume(f"volume{number}")
        wanted = HostRequest("thief", host.initiators, take=True)
        taken, attached = together(
            [
                lambda wanted=wanted: bench.engine.hosts.create(bench.root, wanted),  # type: ignore[misc]
                lambda volume=volume, host=host: bench.engine.attachments.create(  # type: ignore[misc]
                    bench.root, AttachmentRequest(volume, host.id)
                ),
            ]
        )
        assert isinstance(taken, IsthmusError) != isinstance(attached, IsthmusError), (taken, attached)
        assert len(holders(bench, f"name{number}")) == 1
        if not isinstance(attached, IsthmusError):
            done(bench.engine, attached)
            assert holders(bench, f"name{number}") == [host.id]


def test_two_hosts_that_take_from_each_other_come_to_an_end(bench: Bench) -> None:
    one, two = named(bench, "a", "b"), named(bench, "c", "d")
    initiators = (*one.initiators, *two.initiators)
    outcomes = together(
        [
            lambda host=host: bench.engine.hosts.update(  # type: ignore[misc]
                bench.root, host.id, Changes(initiators=initiators, take=True)
            )
            for host in (one, two)
        ]
    )
    assert [outcome for outcome in outcomes if isinstance(outcome, Host)]
    left = {host for name in "abcd" for host in holders(bench, name)}
    assert len(left) == 1
