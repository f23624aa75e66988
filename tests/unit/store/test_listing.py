"""Lists come page by page, in order, each thing once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.core.errors import Invalid
from isthmus.core.model.identity import new_id
from isthmus.core.model.page import Page, Query
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.core.store import listing
from isthmus.core.store.database import Database
from isthmus.core.store.nouns import attachments, hosts, messages, snapshots, volumes
from isthmus.core.store.repository import Repository
from tests.environment.nouns import make_host, make_volume

SORTS = ("created_at", "name", "size", "id")
FILTERS = ("name", "state", "profile", "size", "zone")


def page(database: Database, query: Query, **more: Any) -> Page[Volume]:
    with database.read() as tx:
        options: dict[str, Any] = {"sort_keys": SORTS, "filter_fields": FILTERS, "signer": b"key"}
        return listing.page(tx, volumes, query, **options | more)


def everything(database: Database, query: Query, **more: Any) -> list[Volume]:
    items: list[Volume] = []
    while True:
        found = page(database, query, **more)
        items += found.items
        if found.next is None:
            return items
        query = replace(query, cursor=found.next)


def add(database: Database, *added: Volume) -> None:
    def work(tx: Any) -> None:
        for volume in added:
            volumes.insert(tx, volume)

    database.change(work)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(st.tuples(st.sampled_from(["a", "b", "B", "é", ""]), st.integers(0, 3)), max_size=12),
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
    limit=st.integers(1, 5),
)
def test_the_pages_put_together_are_the_sorted_list(
    database: Database, made: list[tuple[str, int]], sort: str, descending: bool, limit: int
) -> None:
    tenant = new_id()
    there = [make_volume(tenant=tenant, name=name, size=size) for name, size in made]
    add(database, *there)
    query = Query(sort=f"-{sort}" if descending else sort, limit=limit)
    expected = sorted(there, key=lambda volume: (getattr(volume, sort), volume.id), reverse=descending)
    assert everything(database, query, scope={"tenant": tenant}) == expected


def test_filters_are_equalities_on_typed_values(database: Database) -> None:
    one = make_volume(name="one", size=5, zone="north")
    two = make_volume(name="two", size=6, state=VolumeState.ERROR)
    add(database, one, two)
    assert page(database, Query(filters={"state": "error"})).items == [two]
    assert page(database, Query(filters={"state": VolumeState.ERROR, "name": "two"})).items == [two]
    assert page(database, Query(filters={"size": "5"})).items == [one]
    assert page(database, Query(filters={"size": 7})).items == []
    assert page(database, Query(filters={"zone": None})).items == [two]
    assert page(database, Query(filters={"zone": "north"})).items == [one]


def test_a_scope_cannot_be_widened_by_a_filter(database: Database) -> None:
    add(database, make_volume(tenant="acme"), make_volume(tenant="other"))
    query = Query(filters={"tenant": "other"})
    assert page(database, query, filter_fields=("tenant",), scope={"tenant": "acme"}).items[0].tenant == "acme"


@pytest.mark.parametrize(
    "query",
    [
        Query(limit=0),
        Query(limit=1001),
        Query(limit=True),
        Query(limit="10"),  # type: ignore[arg-type]
        Query(sort="password"),
        Query(sort="--name"),
        Query(sort=""),
        Query(filters={"metadata.x": "1"}),
        Query(filters={"tenant": "acme"}),
        Query(filters={"state": "burning"}),
        Query(filters={"size": "big"}),
        Query(filters={"size": 1 << 63}),
        Query(filters={"size": True}),
        Query(filters={"size": 1.5}),
        Query(filters={"name": "\0"}),
        Query(filters={"name": "\ud800"}),
        Query(filters={"name": ["a"]}),
        Query(filters={"name": None}),
        Query(cursor=""),
        Query(cursor="x"),
        Query(cursor="é"),
        Query(cursor="A" * 64),
    ],
)
def test_what_cannot_be_asked_is_refused(database: Database, query: Query) -> None:
    with pytest.raises(Invalid):
        page(database, query)


def test_a_refusal_names_what_is_allowed(database: Database) -> None:
    with pytest.raises(Invalid) as sort:
        page(database, Query(sort="colour"))
    assert sort.value.details["allowed"] == sorted(SORTS)
    with pytest.raises(Invalid) as filters:
        page(database, Query(filters={"colour": "red"}))
    assert filters.value.details["allowed"] == sorted(FILTERS)


def test_a_cursor_is_good_only_for_the_list_it_came_from(database: Database) -> None:
    add(database, *(make_volume(name=f"v{i}") for i in range(3)))
    query = Query(limit=1, filters={"profile": "gold"}, sort="name")
    cursor = page(database, query, scope={"tenant": "acme"}).next
    assert cursor is not None
    same = replace(query, cursor=cursor)
    assert [volume.name for volume in page(database, same, scope={"tenant": "acme"}).items] == ["v1"]
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    others: list[tuple[Query, dict[str, Any]]] = [
        (replace(same, sort="-name"), {"scope": {"tenant": "acme"}}),
        (replace(same, filters={}), {"scope": {"tenant": "acme"}}),
        (replace(same, filters={"profile": "silver"}), {"scope": {"tenant": "acme"}}),
        (same, {"scope": {"tenant": "other"}}),
        (same, {"scope": {"tenant": "acme"}, "signer": b"another"}),
        (replace(same, cursor=flipped[:20] + flipped[21:]), {"scope": {"tenant": "acme"}}),
    ]
    for asked, options in others:
        with pytest.raises(Invalid, match="cursor"):
            page(database, asked, **options)


def test_a_total_comes_from_who_knows_it_and_is_counted_otherwise(database: Database) -> None:
    add(database, *(make_volume(name=f"v{i}") for i in range(3)))
    assert page(database, Query()).total is None
    assert page(database, Query(with_total=True)).total == 3
    assert page(database, Query(with_total=True), total=lambda: 7).total == 7
    assert page(database, Query(with_total=True, limit=1, all_tenants=True)).total == 3
    filtered = Query(with_total=True, all_tenants=True, filters={"name": "v1"})
    assert page(database, filtered, total=lambda: 3).total == 1


def test_hosts_are_listed_with_their_initiators(database: Database) -> None:
    there = [make_host(f"iqn.2026-01.org.example:{i}", name=f"h{i}") for i in range(3)]
    for host in there:
        database.change(partial(hosts.insert, noun=host))
    with database.read() as tx:
        found = listing.page(tx, hosts, Query(sort="name"), sort_keys=("name",), filter_fields=(), signer=b"key")
    assert found.items == there


@pytest.mark.parametrize("shape", [(("tenant", False),), ()], ids=["of a tenant", "of all"])
@pytest.mark.parametrize(
    ("noun", "sort"),
    [
        (noun, sort)
        for noun, sorts in (
            (volumes, ("created_at", "name", "size")),
            (snapshots, ("created_at", "name", "size")),
            (attachments, ("created_at",)),
            (hosts, ("created_at", "name")),
            (messages, ("created_at",)),
        )
        for sort in sorts
    ],
    ids=lambda value: value if isinstance(value, str) else value.table.name,
)
def test_a_page_is_read_from_an_index_in_its_order(
    database: Database, noun: Repository[Any], sort: str, shape: tuple[tuple[str, bool], ...]
) -> None:
    parameters = {"f_tenant": "acme", "after_value": 0 if sort != "name" else "a", "after_id": "x", "rows": 10}
    statement = listing._build(noun, noun.table.c[sort], True, shape, True)
    compiled = statement.compile(dialect=database.engine.dialect, compile_kwargs={"render_postcompile": True})
    with database.engine.connect() as connection:
        if database.is_sqlite:
            explain = "EXPLAIN QUERY PLAN"
        else:
            explain = "EXPLAIN"
            for way in ("seqscan", "bitmapscan", "sort"):  # which it prefers while tables are small
                connection.exec_driver_sql(f"SET enable_{way} = off")
        values: Any = compiled.construct_params(parameters)
        if compiled.positional:
            values = tuple(values[name] for name in compiled.positiontup or ())
        plan = " ".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {compiled}", values))
    assert f"ix_{noun.table.name}_{'tenant_' if shape else ''}{sort}_id" in plan
    assert "B-TREE" not in plan
    assert "Sort" not in plan
