"""Values of properties: reading a path, replacing what it names, comparing, and the changes between two values.

Values are never changed in place: whoever changes a part gets a new whole. So a value that was handed out (to an answer
that is being written, to the memory of a filter) stays as it was.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .registry import is_data, is_reference, property_of

_SEGMENT = re.compile(r'\.?(?:([A-Za-z_]\w*)|\["([^"]*)"\]|\[([^\]"]+)\])')


class Segment(NamedTuple):
    """One step of a path: a property's name, or the key of an element."""

    name: str
    is_key: bool


class Difference(NamedTuple):
    """One change as the property collector reports it. `operation`: assign, add or remove."""

    path: str
    operation: str
    value: Any


@lru_cache(maxsize=4096)
def segments(path: str) -> tuple[Segment, ...]:
    """`config.hardware.device[4000].backing`, step by step. `ValueError` for what is no path."""
    found, position = [], 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise ValueError(path)
        name, quoted, plain = match.groups()
        found.append(Segment(name, False) if name else Segment(quoted if quoted is not None else plain, True))
        position = match.end()
    if not found or found[0].is_key:
        raise ValueError(path)
    return tuple(found)


def exists(kind: Any, path: str) -> bool:
    """Whether a path can name something in objects of a type, or of one of its subtypes."""
    try:
        steps = segments(path)
    except ValueError:
        return False
    kinds = [kind]
    for step in steps:
        if step.is_key:
            kinds = [getattr(each, "Item", each) for each in kinds]
            continue
        infos = [info for each in kinds for known in _with_subtypes(each) if (info := property_of(known, step.name))]
        if not infos:
            return False
        kinds = [info.type for info in infos]
    return True


def _with_subtypes(kind: Any) -> Iterator[Any]:
    if not hasattr(kind, "_GetPropertyInfo"):
        return
    yield kind
    for below in kind.__subclasses__():
        yield from _with_subtypes(below)


def typed(kind: Any, value: Any) -> Any:
    """A plain list as the registry's array; None for an empty one, which on the wire is the same as unset."""
    if isinstance(value, list):
        if not value:
            return None
        if not hasattr(value, "Item"):
            return kind(value)
    return value


def read(value: Any, steps: tuple[Segment, ...]) -> Any:
    """What a path names within a value; None where it is unset."""
    for step in steps:
        if value is None:
            return None
        if step.is_key:
            value = next((each for each in value if key_of(each) == step.name), None)
        elif is_data(value) and (info := property_of(type(value), step.name)) is not None:
            value = typed(info.type, getattr(value, step.name))
        else:
            return None
    return value


def replaced(value: Any, steps: tuple[Segment, ...], new: Any) -> Any:
    """The value with another part where the path leads. `LookupError` when there is nothing to put it into."""
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if value is None:
        raise LookupError(step.name)
    if step.is_key:
        items = [replaced(each, rest, new) if key_of(each) == step.name else each for each in value]
        return type(value)(items)
    whole = copy.copy(value)
    setattr(whole, step.name, replaced(getattr(value, step.name), rest, new))
    return whole


def key_of(value: Any) -> str | None:
    """What names an element of an array in a path: its key, or a managed object's id."""
    if is_reference(value):
        return str(value._moId)
    key = getattr(value, "key", None)
    return None if key is None else str(key)


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same."""
    if one is other:
        return True
    if one is None or other is None:
        return False
    if is_data(one):
        return type(one) is type(other) and all(
            same(getattr(one, info.name), getattr(other, info.name)) for info in one._GetPropertyList()
        )
    if is_reference(one):
        return is_reference(other) and one._moId == other._moId and type(one) is type(other)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def differences(path: str, old: Any, new: Any) -> Iterator[Difference]:
    """What a client that knows `old` must be told, as close to the change as paths can name it."""
    if same(old, new):
        return
    if new is None:
        yield Difference(path, "remove", None)
    elif old is None:
        yield Difference(path, "assign", new)
    elif is_data(old) and type(old) is type(new):
        for info in new._GetPropertyList():
            before, after = (typed(info.type, getattr(whole, info.name)) for whole in (old, new))
            yield from differences(f"{path}.{info.name}", before, after)
    elif _keyed(old) and _keyed(new):
        yield from _elements(path, old, new)
    else:
        yield Difference(path, "assign", new)


def _keyed(value: Any) -> bool:
    if not isinstance(value, list) or not all(is_data(each) for each in value):
        return False
    keys = [key_of(each) for each in value]
    return None not in keys and "" not in keys and len(set(keys)) == len(keys)


def _elements(path: str, old: Any, new: Any) -> Iterator[Difference]:
    before, after = ({key_of(each): each for each in value} for value in (old, new))
    # A path names an element by its key, never by its place: another order can only be told as a whole.
    if [key for key in before if key in after] + [key for key in after if key not in before] != list(after):
        yield Difference(path, "assign", new)
        return
    for key, each in before.items():
        where = f"{path}[{_quoted(each.key)}]"
        if key not in after:
            yield Difference(where, "remove", None)
        else:
            yield from differences(where, each, after[key])
    for key, each in after.items():
        if key not in before:
            yield Difference(f"{path}[{_quoted(each.key)}]", "add", each)


def _quoted(key: Any) -> str:
    return f'"{key}"' if isinstance(key, str) else str(key)
