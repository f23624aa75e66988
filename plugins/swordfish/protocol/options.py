"""Query options of a GET (DSP0266, Query parameters)."""

from __future__ import annotations

from dataclasses import dataclass

from .refusal import refuse
from .request import decoded

MOST_MEMBERS = 1000
"""Members in one answer at most."""
USUAL_MEMBERS = 100
"""Members in one answer where the client does not say; the rest follows by `Members@odata.nextLink`."""
DEEPEST = 3
"""Levels that `$expand` follows at most; `ExpandQuery.MaxLevels` says so."""


@dataclass(frozen=True, slots=True)
class Expand:
    """`$expand`: `links` those in `Links`, `subordinate` all others, down to `levels`."""

    links: bool
    subordinate: bool
    levels: int


@dataclass(frozen=True, slots=True)
class Options:
    """What part of a resource or collection is wanted, and how."""

    expand: Expand | None = None
    select: tuple[str, ...] = ()
    filter: str | None = None
    top: int | None = None
    skip: int = 0
    after: str | None = None
    only: bool = False

    @property
    def shapes(self) -> bool:
        """Whether the body is shown otherwise than it is."""
        return self.expand is not None or bool(self.select)


PLAIN = Options()
_FOR_COLLECTIONS = frozenset({"$filter", "$top", "$skip", "$skiptoken", "only"})


def read_options(query: str, *, collection: bool) -> Options:
    """The options in a query string.

    Refuses an unknown `$option` with 501, an unusable value and what does not fit the kind of resource with 400;
    unknown names without `$` are passed over, as the clause demands.
    """
    if not query:
        return PLAIN
    given: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name, value = decoded(name), decoded(value)
        if name in given and (name in _READERS or name == "only"):
            raise refuse(400, "QueryCombinationInvalid")
        if name.startswith("$") and name not in _READERS:
            raise refuse(501, "QueryParameterUnsupported", name[:60])
        if name in _FOR_COLLECTIONS and not collection:
            raise refuse(400, "QueryNotSupportedOnResource")
        given[name] = value
    if "only" in given and (given["only"] or len(set(given) & {*_READERS, "only"}) > 1):
        if given["only"]:
            raise refuse(400, "QueryParameterValueFormatError", given["only"][:60], "only")
        raise refuse(400, "QueryCombinationInvalid")
    return Options(
        expand=_expand(given["$expand"]) if "$expand" in given else None,
        select=_select(given["$select"]) if "$select" in given else (),
        filter=given.get("$filter"),
        top=_whole("$top", given["$top"]) if "$top" in given else None,
        skip=_whole("$skip", given["$skip"]) if "$skip" in given else 0,
        after=given.get("$skiptoken"),
        only="only" in given,
    )


def refuse_options(query: str, *, reading: bool) -> None:
    """For requests that take no options: a change, or, when it is `reading`, one to what is no resource.

    Refuses an unknown `$option` with 501 and a known one with 400; other names are passed over.
    """
    for part in query.split("&"):
        name = decoded(part.partition("=")[0])
        if name in _READERS or name == "only":
            raise refuse(400, "QueryNotSupportedOnResource" if reading else "QueryNotSupportedOnOperation")
        if name.startswith("$"):
            raise refuse(501, "QueryParameterUnsupported", name[:60])


def _expand(text: str) -> Expand:
    what, _, rest = text.partition("(")
    levels = 1
    if rest:
        name, _, number = rest.partition("=")
        if name != "$levels" or not number.endswith(")") or not number[:-1].isdecimal():
            raise refuse(400, "QueryParameterValueFormatError", text[:60], "$expand")
        levels = int(number[:-1])
        if not 1 <= levels <= DEEPEST:
            raise refuse(400, "QueryParameterOutOfRange", number[:-1][:20], "$expand", f"1-{DEEPEST}")
    if what not in ("*", ".", "~"):
        raise refuse(400, "QueryParameterValueFormatError", text[:60], "$expand")
    return Expand(links=what in ("*", "~"), subordinate=what in ("*", "."), levels=levels)


def _select(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(name and all(part.isidentifier() or "@" in part for part in name.split("/")) for name in names):
        raise refuse(400, "QueryParameterValueFormatError", text[:60], "$select")
    return names


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise refuse(400, "QueryParameterValueTypeError", text[:60], name)
    return int(text)


_READERS = frozenset({"$expand", "$select", "$filter", "$top", "$skip", "$skiptoken"})
