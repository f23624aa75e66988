"""The base for adapters that offer a part of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_type_hints

import pytest

from isthmus.adapters.contract import AdapterSetup, storage
from isthmus.adapters.contract.base import BaseAdapter, BaseStorage, page_of
from isthmus.core.context import Context
from isthmus.core.errors import Invalid, NotOffered
from isthmus.core.model.page import Query
from isthmus.core.model.request import Credential

SOMEBODY = Context("t", "u", frozenset({"admin"}))
PARTS = {name: kind for name, kind in get_type_hints(storage.Storage).items() if name != "context"}


@dataclass(frozen=True, slots=True)
class Thing:
    id: str
    name: str
    colour: str = "red"


THINGS = [Thing(str(number), f"n{number // 2}", "red" if number % 3 else "blue") for number in range(9)]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_what_an_adapter_does_not_name_is_not_offered(part: str) -> None:
    base = BaseStorage(SOMEBODY, "shelf")
    methods = [name for name in vars(PARTS[part]) if not name.startswith("_")]
    assert methods
    for method in methods:
        with pytest.raises(NotOffered, match=f"shelf does not offer {part}.{method}"):
            getattr(getattr(base, part), method)("x", key="y")


def test_nobody_signs_in_or_administers_where_that_is_not_said() -> None:
    adapter = BaseAdapter(AdapterSetup("id", "shelf", None))
    with pytest.raises(NotOffered):
        adapter.authenticate(Credential(token="t"))
    with pytest.raises(NotOffered):
        adapter.administration(SOMEBODY)
    adapter.close()


@pytest.mark.parametrize(
    ("settings", "secrets", "credential"),
    [
        ({}, {"token": "t"}, Credential(token="t")),
        ({"user": "u"}, {"password": "p"}, Credential(user="u", password="p")),
        ({}, {"password": "p"}, None),
        ({}, {}, None),
    ],
)
def test_a_setup_knows_its_credential(
    settings: dict[str, str], secrets: dict[str, str], credential: Credential | None
) -> None:
    setup = AdapterSetup("id", "shelf", None, settings, secrets)
    assert setup.credential == credential
    assert not set(secrets.values()) & set(repr(setup).split("'"))


@pytest.mark.parametrize("sort", ["name", "-name"])
@pytest.mark.parametrize("limit", [1, 2, 4, 9, 100])
def test_pages_are_the_whole_list_in_order(sort: str, limit: int) -> None:
    seen: list[Thing] = []
    cursor = None
    while True:
        page = page_of(
            Thing, reversed(THINGS), Query(sort=sort, limit=limit, cursor=cursor, with_total=True), ("name",)
        )
        assert page.total == len(THINGS)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert seen == (THINGS if sort == "name" else THINGS[::-1])


def test_a_page_has_what_was_asked_for() -> None:
    blue = page_of(Thing, THINGS, Query({"colour": "blue"}, "name"), ("name",))
    assert [thing.id for thing in blue.items] == ["0", "3", "6"]
    assert page_of(Thing, [], Query({"colour": "blue"}, "name"), ("name",)).items == []


@pytest.mark.parametrize("query", [Query(sort="colour"), Query({"size": 1}, "name"), Query(sort="name", cursor="x.1")])
def test_what_makes_no_page_is_refused(query: Query) -> None:
    with pytest.raises(Invalid):
        page_of(Thing, THINGS, query, ("name",))
    with pytest.raises(Invalid):
        page_of(Thing, [], query, ("name",))


def test_a_cursor_is_of_one_list() -> None:
    first = page_of(Thing, THINGS, Query(sort="name", limit=2), ("name",))
    with pytest.raises(Invalid):
        page_of(Thing, THINGS, Query({"colour": "red"}, "name", cursor=first.next), ("name",))
