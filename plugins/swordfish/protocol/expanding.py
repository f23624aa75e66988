"""`$expand`: linked resources in place of links (DSP0266, The $expand query parameter)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....core.errors import IsthmusError
from .options import Expand
from .refusal import Refusal

MOST = 2000
"""Resources that one answer holds at most; what lies beyond them stays a link."""

Follow = Callable[[str], dict[str, Any]]


def expanded(body: Mapping[str, Any], wanted: Expand, follow: Follow) -> dict[str, Any]:
    """The body with what it links to in it, as deep as wanted. `follow` gives the resource at a URI.

    What the caller may not see stays a link.
    """
    return _Expansion(follow).of(body, wanted)


class _Expansion:
    """The expansion of one answer, and how many resources it may still take in."""

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._left = MOST

    def of(self, body: Mapping[str, Any], wanted: Expand) -> dict[str, Any]:
        return {name: self._value(name, value, wanted) for name, value in body.items()}

    def _value(self, name: str, value: Any, wanted: Expand) -> Any:
        if name == "Actions" or "@" in name:
            return value
        follows = wanted.links if name == "Links" else wanted.subordinate
        return self._links(value, wanted) if follows else value

    def _links(self, value: Any, wanted: Expand) -> Any:
        """Every link in a value followed."""
        if isinstance(value, list):
            return [self._links(one, wanted) for one in value]
        if not isinstance(value, Mapping):
            return value
        if set(value) != {"@odata.id"}:
            return {name: inner if "@" in name else self._links(inner, wanted) for name, inner in value.items()}
        if self._left == 0:
            return value
        try:
            body = self._follow(value["@odata.id"])
        except (Refusal, IsthmusError):
            return value
        self._left -= 1
        if wanted.levels == 1:
            return body
        return self.of(body, Expand(wanted.links, wanted.subordinate, wanted.levels - 1))
