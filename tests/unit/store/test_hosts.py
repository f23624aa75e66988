"""An initiator's name exists once."""

from __future__ import annotations

import pytest

from isthmus.core.errors import Conflict, NotFound
from isthmus.core.model.host import Host, Initiator
from isthmus.core.store.database import Database
from isthmus.core.store.nouns import hosts
from tests.environment.nouns import make_host


def add(database: Database, host: Host) -> Host:
    database.change(lambda tx: hosts.insert(tx, host))
    return host


def read(database: Database, host: Host) -> Host:
    with database.read() as tx:
        return hosts.get(tx, host.id)


def test_a_host_comes_back_with_its_initiators(database: Database) -> None:
    host = add(database, make_host("iqn.a", "iqn.b"))
    bare = add(database, make_host())
    assert read(database, host) == host
    assert read(database, bare) == bare
    with database.read() as tx:
        assert hosts.by_initiator(tx, Initiator("iscsi", "iqn.b")) == host
        assert hosts.by_initiator(tx, Initiator("nbd", "iqn.b")) is None


def test_a_taken_initiator_is_refused_and_nothing_is_added(database: Database) -> None:
    holder = add(database, make_host("iqn.a"))
    second = make_host("iqn.0", "iqn.a")
    with pytest.raises(Conflict, match=r"iqn\.a is taken") as refused:
        add(database, second)
    assert refused.value.details["host"] == holder.id
    with pytest.raises(NotFound):
        read(database, second)
    with database.read() as tx:
        assert hosts.by_initiator(tx, Initiator("iscsi", "iqn.0")) is None


def test_a_foreign_tenant_is_not_told_which_host_has_the_name(database: Database) -> None:
    holder = add(database, make_host("iqn.a", tenant="acme"))
    with pytest.raises(Conflict) as refused:
        add(database, make_host("iqn.a", tenant="other"))
    assert holder.id not in str(refused.value.to_json())
    shared = add(database, make_host("iqn.shared", tenant=None))
    with pytest.raises(Conflict) as of_shared:
        add(database, make_host("iqn.shared", tenant="other"))
    assert shared.id not in str(of_shared.value.to_json())


def test_initiators_are_replaced_as_a_whole_and_freed_names_can_be_taken(database: Database) -> None:
    host = add(database, make_host("iqn.a", "iqn.b"))
    wanted = [Initiator("iscsi", "iqn.b"), Initiator("nbd", "web1")]
    database.change(lambda tx: hosts.replace_initiators(tx, host, wanted))
    assert set(read(database, host).initiators) == set(wanted)
    other = add(database, make_host("iqn.a"))
    with pytest.raises(Conflict):
        database.change(lambda tx: hosts.replace_initiators(tx, other, wanted))
    assert read(database, other) == other


def test_a_deleted_host_frees_its_initiators(database: Database) -> None:
    host = add(database, make_host("iqn.a"))
    assert database.change(lambda tx: hosts.delete(tx, host.id))
    assert not database.change(lambda tx: hosts.delete(tx, host.id))
    add(database, make_host("iqn.a"))
