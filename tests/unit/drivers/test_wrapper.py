"""A wrapper has exactly the abilities of what it wraps, and gives it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from isthmus.core.drivers.contract import ABILITIES, Driver, DriverSetup, Extends, Publishes, Wanted, abilities
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.drivers.wrappers import Call, unwrap, wrap
from isthmus.core.targets.contract import Counts, Generations


class Plain:
    """A driver with nothing but the core."""

    name: ClassVar[str] = "plain"
    settings_schema: ClassVar[Mapping[str, Any]] = {}

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def check(self) -> None: ...
    def pools(self) -> list[Any]:
        return []

    def create(self, wanted: Wanted) -> Any:
        return wanted

    def delete(self, placement: str, reference: Any) -> None: ...
    def inspect(self, placement: str, reference: Any) -> Any: ...
    def inventory(self) -> list[Any]:
        return []


class Growing(Plain):
    def extend(self, placement: str, reference: Any, size: int) -> Any:
        return size


def plainly(call: Call, proceed: Callable[[], Any]) -> Any:
    return proceed()


@pytest.fixture
def memory(tmp_path: Path) -> MemoryDriver:
    return MemoryDriver(DriverSetup("b", "memory", "node", {}, {}, tmp_path, tmp_path))


@pytest.mark.parametrize("kind", [Plain, Growing])
def test_abilities_shine_through(kind: type[Plain]) -> None:
    inner = kind()
    wrapped = wrap(wrap(inner, plainly), plainly)
    assert isinstance(wrapped, Driver)
    assert abilities(wrapped) == abilities(inner)
    assert isinstance(wrapped, Extends) == (kind is Growing)
    assert (wrapped.name, wrapped.settings_schema) == (inner.name, inner.settings_schema)


def test_all_abilities_shine_through(memory: MemoryDriver) -> None:
    wrapped = wrap(memory, plainly)
    assert abilities(wrapped) == abilities(memory)
    assert {name for name, kind in ABILITIES.items() if isinstance(wrapped, kind)} == set(ABILITIES) - {"serve"}


def test_a_target_keeps_its_generation_and_its_counters() -> None:
    class Counter:
        def generation(self) -> str:
            return "life 1"

        def count(self, export: Any) -> Any:
            return export

    wrapped = wrap(Counter(), plainly)
    assert isinstance(wrapped, Generations) and wrapped.generation() == "life 1"
    assert isinstance(wrapped, Counts) and wrapped.count(7) == 7


def test_unwrap_gives_back_the_innermost() -> None:
    inner = Plain()
    assert unwrap(wrap(wrap(inner, plainly), plainly)) is inner
    assert unwrap(inner) is inner


def test_only_a_publisher_is_wrapped_as_a_publisher(memory: MemoryDriver) -> None:
    class Exporter:
        def protocols(self) -> list[str]:
            return ["x"]

        def grant(self, export: Any, grant: Any) -> Any: ...
        def withdraw(self, export: Any, attachment: str) -> None: ...
        def granted(self, export: Any) -> Any: ...
        def resize(self, export: Any, grow: Any) -> Any: ...

    wrapped = wrap(Exporter(), plainly)
    assert isinstance(wrapped, Publishes) and not isinstance(wrapped, Driver)
    assert wrapped.protocols() == ["x"]


def test_arguments_are_known_by_their_names_however_they_are_given() -> None:
    seen: list[Call] = []

    def see(call: Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    wrapped = wrap(Growing(), see)
    assert wrapped.extend("p", {}, 7) == wrapped.extend("p", size=7, reference={}) == 7
    assert seen == [Call("extend", {"placement": "p", "reference": {}, "size": 7})] * 2
