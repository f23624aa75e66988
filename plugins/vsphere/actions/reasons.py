"""Why something cannot be done or went wrong: a cause and a cure in plain words, in every language.

A reason is a key of the plugin's texts (`locales/LANGUAGE/*.json`): `reason.KEY` says the cause, `reason.KEY.cure` what
to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from ....core.errors import IsthmusError
from ....ui_bridge.locale import Texts

Kind = TypeVar("Kind", bound=IsthmusError)


@cache
def texts() -> Texts:
    """Those of the plugin."""
    return Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")


def because(kind: type[Kind], reason: str, **values: Any) -> Kind:
    """An error of that class. It speaks English; `said` says it in another language."""
    return kind(
        texts().get(f"reason.{reason}", **values),
        next_step=texts().get(f"reason.{reason}.cure", **values),
        reason=reason,
        values=values,
    )


def said(error: Mapping[str, Any], locale: str) -> str:
    """An error document in a locale's language: cause and cure. In English where the error is not one of ours."""
    details = error.get("details") or {}
    reason = details.get("reason")
    if isinstance(reason, str) and texts().has(f"reason.{reason}"):
        values = details.get("values") or {}
        parts = (texts().get(f"reason.{reason}{part}", locale, **values) for part in ("", ".cure"))
        return " ".join(parts)
    return " ".join(str(part) for part in (error.get("message"), error.get("next_step")) if part)
