"""A page of a collection: which members, how many there are, and where the next page begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ....core.errors import Forbidden, NotFound
from .filtering import Filter
from .options import MOST_MEMBERS, USUAL_MEMBERS, Options
from .refusal import refuse
from .request import Request, decoded
from .resource import Collection, Noun, Window
from .windows import window_of

MOST_TRIED = 1000
"""Members on which one answer tries a `$filter` at most; the next page goes on with the others."""

Follow = Callable[[str], Mapping[str, Any]]

_PIECE = 100
_PLACE = frozenset({"$skiptoken", "$skip", "$top"})


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """`members` with the `total` of all pages. `following` are the query options of the next page, None at the end."""

    members: Sequence[Noun]
    total: int
    following: Mapping[str, str] | None = None

    def next_link(self, path: str, query: str) -> str | None:
        """The URI of the next page of what `query` asks for at `path`."""
        if self.following is None:
            return None
        kept = [part for part in query.split("&") if part and decoded(part.partition("=")[0]) not in _PLACE]
        place = [f"{name}={quote(value, safe='')}" for name, value in self.following.items()]
        return f"{path}?{'&'.join([*kept, *place])}"


def page_of(collection: Collection, request: Request, options: Options, follow: Follow) -> CollectionPage:
    """The page that the options want. `follow` gives a member at its URI, for a filter to be tried on.

    Whatever the service cuts off by limits of its own is on the following pages.
    """
    limit = min(USUAL_MEMBERS if options.top is None else options.top, MOST_MEMBERS)
    if options.filter is None:
        return _listed_page(collection, request, options, limit)
    return _filtered_page(collection, request, options, limit, follow)


def listed(collection: Collection, request: Request, after: str | None, limit: int) -> Window:
    """A piece of a collection. Who is of no tenant, and no administrator, has none of what belongs to tenants."""
    try:
        return collection.list(request, after, limit)
    except Forbidden:
        if request.context.tenant is None and not request.context.is_admin:
            return Window((), 0)
        raise


def uri_of(collection: Collection, member: Noun, request: Request) -> str:
    return member if isinstance(member, str) else collection.uri_of(member, request)


def _listed_page(collection: Collection, request: Request, options: Options, limit: int) -> CollectionPage:
    after, skip = options.after, options.skip
    while skip:
        passed = listed(collection, request, after, min(skip, MOST_MEMBERS))
        skip, after = skip - len(passed.members), passed.next
        if after is None:
            return CollectionPage((), passed.total)
    window = listed(collection, request, after, max(limit, 1))
    members = window.members[:limit]
    return CollectionPage(members, window.total, _following(options, len(members), window.next))


def _following(options: Options, shown: int, after: str | None, skip: int = 0) -> Mapping[str, str] | None:
    """The options that go on after so many members; None where nothing is left, or all that was asked for is there."""
    top = None if options.top is None else options.top - shown
    if after is None or top == 0:
        return None
    found = {"$top": top, "$skip": skip or None, "$skiptoken": after}
    return {name: str(value) for name, value in found.items() if value is not None}


def _filtered_page(
    collection: Collection, request: Request, options: Options, limit: int, follow: Follow
) -> CollectionPage:
    """The members that pass. What was not tried yet counts as if it passed, until the last page knows better."""
    wanted = Filter(str(options.filter))
    sought = None if collection.sought is None else collection.sought(request, wanted.demanded)
    if sought is not None:
        collection = replace(collection, list=lambda request, after, limit: window_of(sought, after, limit))
    passed, told, start = _place(options.after)
    members: list[str] = []
    skip, tried = options.skip, 0
    full: tuple[int, str | None] | None = None
    while True:
        window = listed(collection, request, start, min(_PIECE, MOST_TRIED - tried))
        uris = [uri_of(collection, one, request) for one in window.members]
        for number, uri in enumerate(uris, 1):
            if not _passes(wanted, uri, follow):
                continue
            passed += 1
            if skip:
                skip -= 1
            elif len(members) < limit:
                members.append(uri)
                if len(members) == limit:
                    full = passed, _after(collection, request, start, uris[:number])
        start, tried = window.next, tried + len(uris)
        # Later pages need not count: the first one did.
        if start is None or tried >= MOST_TRIED or (full is not None and told is not None):
            break
    if start is None:
        count, end = passed, full if full is not None and passed > full[0] else None
    else:
        count = passed + max(0, window.total - tried) if told is None else told
        end = full or (passed, start)
    following = None if end is None else f"{end[0]}.{count}.{end[1] or ''}"
    return CollectionPage(members, count, _following(options, len(members), following, skip))


def _place(token: str | None) -> tuple[int, int | None, str | None]:
    """Where a filtered page begins: how many members passed before, what the pages before told of as the count, and
    the place in the collection itself."""
    if token is None:
        return 0, None, None
    numbers, cursor = token.split(".", 2)[:2], token.split(".", 2)[2:]
    if not cursor or not all(number.isascii() and number.isdigit() and len(number) < 10 for number in numbers):
        raise refuse(400, "QueryParameterValueError", "$skiptoken")
    return int(numbers[0]), int(numbers[1]), cursor[0] or None


def _after(collection: Collection, request: Request, start: str | None, seen: Sequence[str]) -> str | None:
    """The place after members that were seen in a piece; nothing that was not seen lies before it.

    A piece that is read again may reach further than before: members may have gone meanwhile.
    """
    for number in range(len(seen), 0, -1):
        window = listed(collection, request, start, number)
        if {uri_of(collection, one, request) for one in window.members} <= set(seen):
            return window.next
    return start


def _passes(wanted: Filter, uri: str, follow: Follow) -> bool:
    try:
        return wanted.passes(follow(uri))
    except NotFound:
        # It is gone since it was listed.
        return False
