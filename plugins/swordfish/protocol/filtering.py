"""`$filter`: which members of a collection are wanted (DSP0266, The $filter query parameter)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .refusal import refuse

DEEPEST = 20
"""How deep parentheses may lie in one another."""

Test = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)(?![\w/])|(?P<mark>[()])|(?P<word>[A-Za-z_@][\w@./]*))"
)
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}


class Filter:
    """An expression of `eq ne gt ge lt le and or not ( )` over properties, as `Status/Health eq 'OK'`.

    Raises a refusal (400) for any other text. A property that a resource does not have is null; null is less and
    greater than nothing.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._place = 0
        self._test = self._either(0)
        if self._place != len(self._tokens):
            raise self._fault()

    def passes(self, body: Mapping[str, Any]) -> bool:
        """Whether the filter lets a resource pass."""
        return self._test(body)

    @property
    def demanded(self) -> Mapping[str, str]:
        """Texts that properties have in all that passes, by property, as far as that is easily seen."""
        if any(token in (("word", "or"), ("word", "not")) for token in self._tokens):
            return {}
        return {
            name: _text(text)
            for (first, name), how, (last, text) in zip(self._tokens, self._tokens[1:], self._tokens[2:])  # noqa: B905
            if (first, how, last) == ("word", ("word", "eq"), "text")
        }

    def _either(self, depth: int) -> Test:
        tests = [self._both(depth)]
        while self._take("or"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else lambda body: any(test(body) for test in tests)

    def _both(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._take("and"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda body: all(test(body) for test in tests)

    def _one(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise self._fault()
        if self._take("not"):
            test = self._one(depth + 1)
            return lambda body: not test(body)
        if self._take("("):
            inner = self._either(depth + 1)
            if not self._take(")"):
                raise self._fault()
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        left = self._operand()
        kind, word = self._next()
        if kind != "word" or word not in _COMPARE:
            raise self._fault()
        compare, right = _COMPARE[word], self._operand()

        def test(body: Mapping[str, Any]) -> bool:
            try:
                return compare(left(body), right(body))
            except TypeError:
                return False

        return test

    def _operand(self) -> Callable[[Mapping[str, Any]], Any]:
        kind, text = self._next()
        if kind == "text":
            return _constant(_text(text))
        if kind == "number":
            return _constant(float(text) if "." in text else int(text))
        if kind != "word" or text in ("and", "or", "not", *_COMPARE):
            raise self._fault()
        if text in _CONSTANTS:
            return _constant(_CONSTANTS[text])
        path = text.split("/")
        return lambda body: _at(body, path)

    def _next(self) -> tuple[str, str]:
        if self._place == len(self._tokens):
            raise self._fault()
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, text: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place][1] == text:
            self._place += 1
            return True
        return False

    def _fault(self) -> Exception:
        return refuse(400, "QueryParameterValueFormatError", self._text[:100], "$filter")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise refuse(400, "QueryParameterValueFormatError", text[:100], "$filter")
        place = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]


def _text(token: str) -> str:
    return token[1:-1].replace("''", "'")


def _constant(value: Any) -> Callable[[Mapping[str, Any]], Any]:
    return lambda body: value


def _at(body: Mapping[str, Any], path: list[str]) -> Any:
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
