"""Selectors: what a profile says about one capability of a pool, in OpenSDS's notation.

=====================  ======================================================================================
`<or> a <or> b`        the capability is one of these values
`<in> text`            the capability is a list with this entry, or a text in which this text occurs
`<is> true`            the capability is this boolean; a capability that is not reported counts as false
`= == != >= <=`        numbers
`s== s!= s< s<= s> s>=`  texts, ordered by code point
anything else          the capability equals this value
=====================  ======================================================================================

Values reach to the end of the text and may hold spaces. OpenSDS reads the operand of `<in>` as a regular
expression; here it is plain text, so no selector can take longer than the texts are long.

A capability that is not reported, or is of another type than the selector compares, does not match: that refuses
this pool and no other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .capabilities import Value, number

_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
}
_TEXTUAL: dict[str, Callable[[Any, Any], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<=": operator.le,
    "s>=": operator.ge,
    "s<": operator.lt,
    "s>": operator.gt,
}
_BRACKETED = ("<or>", "<in>", "<is>")
OPERATORS = (*_BRACKETED, *_NUMERIC, *_TEXTUAL)


@dataclass(frozen=True, slots=True)
class Selector:
    """One compiled selector. `text` is as written; `operator` is empty for plain equality."""

    text: str
    operator: str
    operand: str | int | float | bool | tuple[str, ...]

    @classmethod
    def parse(cls, written: str | int | float | bool) -> Selector:
        """Compile a selector; a JSON number or boolean asks for that value. Raises `ValueError` with a sentence."""
        if isinstance(written, bool):
            return cls(f"<is> {_text(written)}", "<is>", written)
        if isinstance(written, int | float):
            if number(written) is None:
                raise ValueError("must be a finite number")
            return cls(f"= {written}", "=", written)
        text = written.strip()
        if text.startswith("<") and not text.startswith("<="):
            return cls._bracketed(text)
        for sign in _TEXTUAL:
            if text.startswith(sign) and text[len(sign) : len(sign) + 1] in ("", " ", "\t"):
                return cls(text, sign, _operand(text, sign))
        for sign in _NUMERIC:
            if text.startswith(sign):
                found = number(_operand(text, sign))
                if found is None:
                    raise ValueError(f"{sign} compares numbers, and {_shown(text)} names none")
                return cls(text, sign, found)
        if text.startswith((">", "!")):
            raise ValueError(f"{_shown(text)} begins with no known operator; known are {' '.join(OPERATORS)}")
        if not text:
            raise ValueError("must not be empty")
        return cls(text, "", text)

    @classmethod
    def _bracketed(cls, text: str) -> Selector:
        if text.startswith("<or>"):
            values = tuple(part.strip() for part in text.split("<or>")[1:])
            if not all(values):
                raise ValueError("<or> needs a value after it each time")
            return cls(text, "<or>", values)
        if text.startswith("<in>"):
            return cls(text, "<in>", _operand(text, "<in>"))
        if text.startswith("<is>"):
            word = _operand(text, "<is>").lower()
            if word not in ("true", "false"):
                raise ValueError("<is> needs true or false")
            return cls(text, "<is>", word == "true")
        raise ValueError(f"{_shown(text)} begins with no known operator; known are {' '.join(OPERATORS)}")

    def matches(self, value: Value | None) -> bool:
        """Whether a capability with this value (None: not reported) is what is wanted. Never raises."""
        if self.operator == "<is>":
            return _boolean(False if value is None else value) is self.operand
        if value is None:
            return False
        if self.operator in _NUMERIC:
            found = number(value)
            return found is not None and _NUMERIC[self.operator](found, self.operand)
        if self.operator in _TEXTUAL:
            return self._matches_text(value)
        if self.operator == "<or>":
            return any(_equal(value, wanted) for wanted in self.operand)  # type: ignore[union-attr]
        if self.operator == "<in>" and isinstance(value, str):
            return str(self.operand) in value
        if self.operator == "<in>" and not isinstance(value, tuple):
            return False
        return _equal(value, str(self.operand))

    def _matches_text(self, value: Value) -> bool:
        if not isinstance(value, tuple):
            return _TEXTUAL[self.operator](_text(value), self.operand)
        # A list has no order among texts; it is equal to a text when it has it as an entry.
        entries = {_text(entry) for entry in value}
        if self.operator == "s==":
            return self.operand in entries
        return self.operator == "s!=" and self.operand not in entries


def _operand(text: str, sign: str) -> str:
    operand = text[len(sign) :].strip()
    if not operand:
        raise ValueError(f"{sign} needs a value after it")
    return operand


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _boolean(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _equal(value: Value, wanted: str) -> bool:
    """Plain equality: numbers by value, booleans by name in either case, lists by having the entry."""
    if isinstance(value, tuple):
        return any(_equal(entry, wanted) for entry in value)
    if isinstance(value, bool):
        return wanted.lower() == _text(value)
    if isinstance(value, str):
        return value.strip() == wanted
    return number(value) is not None and number(wanted) == value
