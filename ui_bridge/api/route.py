"""Which address does what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .exchange import Exchange

_WORD = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers: JSON. `cache` is the Cache-Control header's."""

    body: Mapping[str, Any]
    status: int = 200
    cache: str = "no-store"


Work = Callable[[Exchange], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is a path below `api/`, with words in braces that `Exchange.words` has."""

    method: str
    pattern: str
    work: Work
    _path: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_path", re.compile(_WORD.sub(r"(?P<\1>[A-Za-z0-9._:-]{1,128})", self.pattern)))

    def words(self, path: str) -> Mapping[str, str] | None:
        """The words of a path that this route answers; None for any other."""
        found = self._path.fullmatch(path)
        return None if found is None else found.groupdict()


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: the route for the method, if there is one, and all methods that there are."""

    route: Route | None
    words: Mapping[str, str]
    methods: Sequence[str]


def find(routes: Sequence[Route], method: str, path: str) -> Found:
    """What is at `path`; no methods where nothing is."""
    there = [(route, words) for route in routes if (words := route.words(path)) is not None]
    for route, words in there:
        if route.method == method:
            return Found(route, words, [each.method for each, _ in there])
    return Found(None, {}, sorted({each.method for each, _ in there}))
