"""What a pool says it can do, flattened to dotted keys so that selectors can name it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | tuple[Scalar, ...]


def number(value: object) -> int | float | None:
    """`value` as a finite number, or None when it is none; numbers written as text count, booleans do not."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if text.lstrip("+-").isdecimal():
            return int(text)
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


class Capabilities:
    """The capabilities of a pool, read only.

    `document` is the nested document a driver reports (sections dataStorage, ioConnectivity, dataProtection,
    advanced, in OpenSDS's names). The pool's `abilities` and access `protocols` can be selected by those names.
    """

    __slots__ = ("_values", "abilities", "enforces", "goodness", "protocols", "storage_types")

    def __init__(
        self, document: Mapping[str, Any], abilities: Iterable[str] = (), protocols: Iterable[str] = ()
    ) -> None:
        self._values: dict[str, Value] = dict(_flatten(document))
        #: The driver's abilities, by name.
        self.abilities = frozenset(abilities)
        #: The access protocols, in lower case.
        self.protocols = frozenset(protocol.lower() for protocol in protocols)
        self._values["abilities"] = tuple(sorted(self.abilities))
        self._values["protocols"] = tuple(sorted(self.protocols))
        #: `advanced.enforces`: the service levels (maxIOPS, …) that the back end itself holds each volume to.
        self.enforces = frozenset(_texts(self.get("enforces")))
        #: `storageType`, a name or a list of names (block, file, object); block when the pool names none.
        self.storage_types = frozenset(_texts(self.get("storageType"))) or frozenset({"block"})
        #: `advanced.goodness` from 0 to 100, brought to the range 0 to 1; 0 when not reported.
        self.goodness = min(100.0, max(0.0, float(number(self.get("goodness")) or 0.0))) / 100.0

    def get(self, key: str) -> Value | None:
        """The value at a dotted key, or None. A key without its section is looked for in `advanced` as well."""
        key = key.removeprefix("extras.")
        found = self._values.get(key)
        return self._values.get("advanced." + key) if found is None else found


def _flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, name + ".")
        elif isinstance(value, list | tuple | set | frozenset):
            yield name, tuple(item for item in value if isinstance(item, str | int | float))
        elif isinstance(value, str | int | float):
            yield name, value


def _texts(value: Value | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, tuple) else (str(value),)


#: What a pool offers that says nothing of itself.
NOTHING = Capabilities({})
