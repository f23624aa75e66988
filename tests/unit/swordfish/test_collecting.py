"""Pages of collections: whatever the service cuts off by its own limits is on the pages that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from isthmus.core.errors import NotFound
from isthmus.plugins.swordfish.protocol.collecting import MOST_TRIED, page_of
from isthmus.plugins.swordfish.protocol.filtering import Filter
from isthmus.plugins.swordfish.protocol.options import MOST_MEMBERS, read_options
from isthmus.plugins.swordfish.protocol.refusal import Refusal
from isthmus.plugins.swordfish.protocol.request import Request
from isthmus.plugins.swordfish.protocol.resource import Collection, Window

PATH = "/things"
NOBODY = cast(Request, None)


@dataclass
class Things:
    """Numbered things, listed by a cursor that says after which number to go on; `tried` are those that were read."""

    there: list[int]
    tried: list[int] = field(default_factory=list)
    read: Callable[[int], None] = lambda number: None

    @property
    def collection(self) -> Collection:
        return Collection("C", PATH, "Things", self.window, uri_of=lambda one, request: f"{PATH}/{one}")

    def window(self, request: Request, after: str | None, limit: int) -> Window:
        assert 0 < limit <= MOST_MEMBERS
        left = [one for one in self.there if after is None or one > int(after)]
        return Window(left[:limit], len(self.there), str(left[limit - 1]) if len(left) > limit else None)

    def follow(self, uri: str) -> Mapping[str, Any]:
        number = int(uri.rpartition("/")[2])
        self.read(number)
        if number not in self.there:
            raise NotFound("None.")
        self.tried.append(number)
        return {"Number": number, "Odd": number % 2 == 1}

    def pages(self, query: str) -> list[tuple[list[int], int]]:
        """The members and the count of each page, as a client meets them that follows every link."""
        found = []
        following: str | None = query
        while following is not None:
            page = page_of(self.collection, NOBODY, read_options(following, collection=True), self.follow)
            found.append(([int(str(one).rpartition("/")[2]) for one in page.members], page.total))
            link = page.next_link(PATH, following)
            following = None if link is None else urlsplit(link).query
        return found

    def all(self, query: str) -> list[int]:
        return [one for members, _ in self.pages(query) for one in members]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", range(1200)),
        ("$skip=5", range(5, 1200)),
        ("$skip=1150", range(1150, 1200)),
        ("$skip=1200", range(0)),
        ("$skip=5000", range(0)),
        ("$top=2000", range(1200)),
        ("$top=1100", range(1100)),
        ("$skip=50&$top=1100", range(50, 1150)),
        ("$top=7", range(7)),
        ("$top=0", range(0)),
        ("$filter=Number ge 0", range(1200)),
        ("$filter=Odd eq true", range(1, 1200, 2)),
        ("$filter=Odd eq true&$skip=3", range(7, 1200, 2)),
        ("$filter=Odd eq true&$top=250", range(1, 501, 2)),
        ("$filter=Odd eq true&$skip=3&$top=250", range(7, 507, 2)),
        ("$filter=Odd eq true&$skip=550", range(1101, 1200, 2)),
        ("$filter=Number ge 0&$top=1150", range(1150)),
        ("$filter=Number lt 0", range(0)),
        ("%24filter=Number%20ge%201190&unknown=%26", range(1190, 1200)),
    ],
)
def test_following_every_link_gives_all_that_was_asked_for(query: str, wanted: range) -> None:
    assert Things(list(range(1200))).all(query) == list(wanted)


@pytest.mark.parametrize("query", ["$skip=3", "$top=8", "$filter=Odd eq true&$top=4", "$top=0"])
def test_what_was_asked_for_ends_without_a_link(query: str) -> None:
    assert len(Things(list(range(10))).pages(query)) == 1


def test_the_count_is_of_all_that_pass_on_every_page() -> None:
    pages = Things(list(range(900))).pages("$filter=Odd eq true")
    assert [count for _, count in pages] == [450] * 5


def test_a_page_tries_so_many_members_and_no_more() -> None:
    things = Things(list(range(10 * MOST_TRIED)))
    page = page_of(things.collection, NOBODY, read_options("$filter=Number eq 5000", collection=True), things.follow)
    assert (list(page.members), len(things.tried)) == ([], MOST_TRIED)
    assert page.total == 9 * MOST_TRIED  # none passed, and the others may
    assert things.pages("$filter=Number eq 5000")[-1][1] == 1


def test_no_member_is_tried_more_than_three_times() -> None:
    things = Things(list(range(MOST_TRIED)))
    assert len(things.all("$filter=Number ge 0")) == MOST_TRIED
    assert len(things.tried) <= 3 * MOST_TRIED


@pytest.mark.parametrize("gone", [0, 50, 100, 150])
def test_what_goes_while_pages_are_read_takes_nothing_else_with_it(gone: int) -> None:
    things = Things(list(range(300)))

    def read(number: int) -> None:
        if number == 99 and gone in things.there:
            things.there.remove(gone)

    things.read = read
    found = things.all("$filter=Number ge 0")
    assert [one for one in found if one != gone] == [one for one in range(300) if one != gone]


@pytest.mark.parametrize("token", ["x", "1", "1.2", "a.b.c", "-1.2.c", "1.9999999999.c"])
def test_a_forged_place_is_refused(token: str) -> None:
    wanted = read_options(f"$filter=Number ge 0&$skiptoken={token}", collection=True)
    things = Things(list(range(3)))
    with pytest.raises(Refusal) as caught:
        page_of(things.collection, NOBODY, wanted, things.follow)
    assert caught.value.status == 400


def test_what_a_collection_can_look_up_is_not_searched_for() -> None:
    things = Things(list(range(500)))
    asked: list[Mapping[str, str]] = []

    def sought(request: Request, wanted: Mapping[str, str]) -> list[str] | None:
        asked.append(wanted)
        return [f"{PATH}/7", f"{PATH}/8"] if "Name" in wanted else None

    collection = replace(things.collection, sought=sought)
    wanted = read_options("$filter=Name eq 'it''s' and Odd eq null", collection=True)
    follow = things.follow
    page = page_of(collection, NOBODY, wanted, lambda uri: {**follow(uri), "Name": "it's", "Odd": None})
    assert (asked, things.tried, page.total) == ([{"Name": "it's"}], [7, 8], 2)


@pytest.mark.parametrize(
    ("text", "demanded"),
    [
        ("Name eq 'a'", {"Name": "a"}),
        ("(Name eq 'a' and Size gt 5) and Id eq 'b'", {"Name": "a", "Id": "b"}),
        ("Name eq 'a' or Id eq 'b'", {}),
        ("not (Name eq 'a')", {}),
        ("Name ne 'a'", {}),
        ("Name eq 'or'", {"Name": "or"}),
        ("'a' eq Name", {}),
    ],
)
def test_only_what_all_that_passes_must_have_is_demanded(text: str, demanded: dict[str, str]) -> None:
    assert Filter(text).demanded == demanded
