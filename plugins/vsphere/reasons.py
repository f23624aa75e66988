"""Why something cannot be done or went wrong: a cause and a cure in plain words, in every language.

A reason is a key of the plugin's texts (`locales/LANGUAGE/*.json`): `reason.KEY` says the cause, `reason.KEY.cure` what
to do. A value in it may be a text of the plugin itself (`phrase`), or a list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from ...core.errors import IsthmusError
from ...ui_bridge.locale import DEFAULT, Texts

Kind = TypeVar("Kind", bound=IsthmusError)


@cache
def texts() -> Texts:
    """Those of the plugin."""
    return Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")


def because(kind: type[Kind], reason: str, **values: Any) -> Kind:
    """An error of that class. It speaks English; `said` says it in another language."""
    spoken = _spoken(values, DEFAULT)
    return kind(
        texts().get(f"reason.{reason}", **spoken),
        next_step=texts().get(f"reason.{reason}.cure", **spoken),
        reason=reason,
        values=values,
    )


def phrase(key: str, **values: Any) -> Mapping[str, Any]:
    """A text within a text, as a value for `because`: said in the language in which the whole is said."""
    return {"text": key, "values": values}


def cause(error: Mapping[str, Any]) -> Any:
    """The cause in an error document, as a value for `because`."""
    details = error.get("details") or {}
    if isinstance(details.get("reason"), str):
        return phrase(f"reason.{details['reason']}", **details.get("values") or {})
    if isinstance(details.get("way"), str):
        found = of_the_way(str(error.get("message", "")), details)
        return phrase(f"reason.{found['reason']}", **found["values"])
    return str(error.get("message", ""))


def of_the_way(message: str, details: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details of an error from the way to a vCenter, with the reason that its `way` names."""
    values = {name: str(details.get(name) or "?") for name in ("privilege", "vcenter")}
    return {"reason": details["way"], "values": {**values, "said": message}}


def told(error: Mapping[str, Any], locale: str) -> tuple[str, str] | None:
    """Cause and cure of an error document in a locale's language; None where the error is not one of ours."""
    details = error.get("details") or {}
    # What the core does not allow is told by the permission that is missing, where there is a text for it.
    reason = details.get("reason") or f"denied.{details.get('permission')}"
    if not isinstance(reason, str) or not texts().has(f"reason.{reason}"):
        return None
    values = _spoken(details.get("values") or {}, locale)
    cause, cure = (texts().get(f"reason.{reason}{part}", locale, **values) for part in ("", ".cure"))
    return cause, cure


def said(error: Mapping[str, Any], locale: str) -> str:
    """An error document in a locale's language: cause and cure. In English where the error is not one of ours."""
    found = told(error, locale) or (error.get("message"), error.get("next_step"))
    return " ".join(str(part) for part in found if part)


def _spoken(values: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """The values with all phrases in them said."""
    return {name: _word(value, locale) for name, value in values.items()}


def _word(value: Any, locale: str) -> Any:
    if isinstance(value, Mapping) and "text" in value:
        return texts().get(str(value["text"]), locale, **_spoken(value.get("values") or {}, locale))
    if isinstance(value, list | tuple):
        return texts().get("phrase.separator", locale).join(str(_word(each, locale)) for each in value)
    return value
