"""From a path to what is served there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .request import segments
from .resource import Served

_LONGEST_NAME = 1024


@dataclass(slots=True)
class _Node:
    named: dict[str, _Node] = field(default_factory=dict)
    parameter: tuple[str, _Node] | None = None
    served: Served | None = None


class Router:
    """All that is served, by path. A fixed name goes before a parameter."""

    def __init__(self, served: Iterable[Served]) -> None:
        self._root = _Node()
        for one in served:
            self._add(one)

    def find(self, path: str) -> tuple[Served, dict[str, str]] | None:
        """What is served at `path` and the names in it; None for nothing."""
        node = self._root
        params: dict[str, str] = {}
        for part in segments(path):
            following = node.named.get(part)
            if following is None:
                if node.parameter is None or not 0 < len(part) <= _LONGEST_NAME or "\0" in part:
                    return None
                name, following = node.parameter
                params[name] = part
            node = following
        return None if node.served is None else (node.served, params)

    def _add(self, served: Served) -> None:
        node = self._root
        for part in segments(served.path):
            if part.startswith("{"):
                name = part[1:-1]
                if node.parameter is None:
                    node.parameter = (name, _Node())
                if node.parameter[0] != name:
                    raise ValueError(f"{served.path}: the same place is called {node.parameter[0]} elsewhere")
                node = node.parameter[1]
            else:
                node = node.named.setdefault(part, _Node())
        if node.served is not None:
            raise ValueError(f"{served.path} is served twice")
        node.served = served
