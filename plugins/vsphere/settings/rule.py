"""What a setting of a host should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = bool | int | str | tuple[str, ...]
"""Of a setting: a list of names is a tuple."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One value, or a range of numbers (either end may be open). A tuple is measured by its length."""

    equals: Value | None = None
    at_least: int | None = None
    at_most: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Bound:
        equals = given.get("equals")
        return cls(tuple(equals) if isinstance(equals, list) else equals, given.get("at_least"), given.get("at_most"))

    def met(self, value: Value) -> bool:
        """Whether a value is as it should be."""
        if self.equals is not None:
            return type(value) is type(self.equals) and value == self.equals
        number = len(value) if isinstance(value, tuple) else value
        if not isinstance(number, int):
            return False
        low = self.at_least is None or number >= self.at_least
        return low and (self.at_most is None or number <= self.at_most)

    def nearest(self, value: Value) -> Value | None:
        """The value that a setting gets instead of one which does not meet this: the nearest end of the range. None
        where nobody but a person can tell, as of time servers."""
        if self.equals is not None:
            return self.equals
        if isinstance(value, bool | str | tuple):
            return None
        if self.at_least is not None and value < self.at_least:
            return self.at_least
        return self.at_most

    def __str__(self) -> str:
        if self.equals is not None:
            return shown(self.equals)
        ends = ((sign, end) for sign, end in (("≥", self.at_least), ("≤", self.at_most)) if end is not None)
        return ", ".join(f"{sign} {end}" for sign, end in ends)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `transport` (`iscsi`, `nfs`; empty: any) and the releases of ESXi from `first` on and before `last`
    say on which hosts it counts. With `reboot` it takes effect when the host has been restarted."""

    id: str
    kind: str
    name: str
    want: Bound
    severity: str
    source: str
    reboot: bool = False
    transport: str = ""
    first: str = ""
    last: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Rule:
        """Of a document that satisfies the schema."""
        return cls(
            given["id"],
            given["kind"],
            given["name"],
            Bound.of(given["want"]),
            given["severity"],
            given["source"],
            bool(given.get("reboot", False)),
            given.get("transport", ""),
            given.get("from", ""),
            given.get("before", ""),
        )

    def counts(self, release: str, transports: frozenset[str]) -> bool:
        """Whether it is for a host of this release that uses these transports."""
        if self.transport and self.transport not in transports:
            return False
        now = _numbers(release)
        return not (self.first and now < _numbers(self.first)) and not (self.last and now >= _numbers(self.last))


def shown(value: Value | None) -> str:
    """A value as people read it."""
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "-" if value is None else str(value)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdecimal())
