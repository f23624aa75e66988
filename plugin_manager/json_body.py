"""Request bodies: one JSON object, and nothing in it that some layer below would stumble over."""

from __future__ import annotations

import json
import math
from typing import Any

from ..core.errors import Invalid

DEEPEST = 32
"""How deep arrays and objects may lie in one another."""


class NotJson(Invalid):
    """The body is declared as something else than JSON (415)."""


def read_object(data: bytes) -> dict[str, Any]:
    """The JSON object that `data` is, an empty one for no data.

    Raises `Invalid` for anything else: other encodings than UTF-8, names given twice, numbers that are none (NaN) or
    too large to be exact, half characters (lone surrogates), NUL, and what is nested deeper than `DEEPEST`.
    """
    if not data:
        return {}
    try:
        text = data.decode()
        found = _decode(text)
    except _Fault as fault:
        raise Invalid(f"The body is not usable: {fault}.", next_step="Send one plain JSON object.") from None
    except (ValueError, RecursionError):
        raise Invalid("The body is not JSON.", next_step="Send one JSON object in UTF-8.") from None
    if not isinstance(found, dict):
        raise Invalid("The body must be a JSON object.", next_step="Send one JSON object in UTF-8.")
    # Both need characters that plain bodies do not have, and walking through a body costs as much as parsing it.
    if "\\u" in text or text.count("{") + text.count("[") > DEEPEST:
        _examine(found)
    return found


class _Fault(ValueError):
    """What is wrong, as the end of a sentence."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _Fault(f"{twice[:60]!r} is given twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Fault("a number is too large")
    return number


def _no_constant(name: str) -> Any:
    raise _Fault(f"{name} is not a number of JSON")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant).decode


def _examine(document: dict[str, Any]) -> None:
    """Raise `Invalid` for what is nested too deep and for text that cannot be stored."""
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Invalid(f"The body is nested deeper than {DEEPEST} levels.", next_step="Send a flatter one.")
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                for name in part:
                    _check_text(name)
                part = part.values()
            for each in part:
                if isinstance(each, str):
                    _check_text(each)
                elif isinstance(each, dict | list):
                    below.append(each)
        level = below


def _check_text(text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid("The body has a text with NUL or half a character in it.", next_step="Send plain Unicode text.")
