"""JSON as compact text: quickly with orjson, which comes with the server, else with the standard library."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Default = Callable[[Any], Any]
"""What to write in place of a value that is not plain JSON; raises TypeError for one that has no JSON form."""

_quickly: Callable[..., bytes] | None
try:
    import orjson

    _quickly = orjson.dumps
    # Times and nouns have a form of ours.
    _OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
except ImportError:
    _quickly, _OPTIONS = None, 0


def encoder(default: Default | None = None) -> Callable[[Any], str]:
    """A function that writes documents. It raises TypeError for what is neither plain JSON nor known to `default`."""
    # Escaped beyond ASCII: half a character has no other form.
    slowly = json.JSONEncoder(separators=(",", ":"), default=default).encode
    quickly = _quickly
    if quickly is None:
        return slowly

    def encode(document: Any) -> str:
        try:
            return quickly(document, default, _OPTIONS).decode()
        except TypeError:
            # Numbers beyond 64 bits, keys that are no texts, half characters: the standard library takes them.
            return slowly(document)

    return encode
