"""What a field may be, with what helps to choose in the reader's words."""

from __future__ import annotations

from typing import Any

from ...plugin_manager.action import Choice
from ..locale import spoken_size
from .exchange import Exchange

_SIZES = frozenset({"capacity", "free", "size", "total", "used"})
# Bytes, as choices tell them.


def shown(x: Exchange, field: str, choice: Choice) -> dict[str, Any]:
    """The value in the words that it has in a plan, if any. The details in words: `choice.NAME` of what is so,
    `choice.NAME.no` of what is not, where there is such a text; otherwise the value fills `{value}`."""
    said = [_said(x, name, value) for name, value in choice.details.items()]
    return {
        "value": choice.value,
        "title": x.first(f"plan.{field.removesuffix('s')}.{choice.value}") or choice.title,
        "note": " · ".join(each for each in said if each),
        "details": dict(choice.details),
    }


def _said(x: Exchange, name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return x.first(f"choice.{name}" if value else f"choice.{name}.no") or ""
    spoken = spoken_size(value, x.locale) if name in _SIZES else str(value)
    return x.text(f"choice.{name}", value=spoken) if x.surface.texts.has(f"choice.{name}") else spoken
