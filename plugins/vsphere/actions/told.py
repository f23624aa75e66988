"""Errors in the language of whoever reads them, whichever part of the plug-in or the core they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import IsthmusError, NeedsAttention
from ....ui_bridge.locale import DEFAULT, language
from .. import reasons
from ..connection.errors import (
    CertificateExpired,
    LoginRefused,
    PrivilegeMissing,
    SessionEnded,
    TicketRefused,
    Unreachable,
    WrongCertificate,
)

_OF_THE_WAY: Mapping[type[IsthmusError], str] = {
    CertificateExpired: "wrong-certificate",
    LoginRefused: "login-refused",
    PrivilegeMissing: "privilege-missing",
    SessionEnded: "session-ended",
    TicketRefused: "ticket-refused",
    Unreachable: "unreachable",
    WrongCertificate: "wrong-certificate",
}
"""What goes wrong on the way to a vCenter names no reason by itself; in English its own words say more."""
_VALUES = ("privilege", "vcenter")


def told(error: IsthmusError, locale: str) -> tuple[str, str] | None:
    """Cause and cure; None for what the plug-in has no words of its own for."""
    details = error.details
    if isinstance(error, NeedsAttention) and isinstance(details.get("cause"), Mapping):
        return reasons.told({"details": _stuck(details)}, locale)
    found = reasons.told({"details": details}, locale)
    if found is not None or language(locale) == DEFAULT:
        return found
    reason = _OF_THE_WAY.get(type(error))
    if reason is None:
        return None
    values = {name: str(details.get(name, "?")) for name in _VALUES}
    return reasons.told({"details": {"reason": reason, "values": {**values, "said": error.message}}}, locale)


def _stuck(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """A step that keeps failing, or that cannot be taken back, with the cause in it."""
    reason = "keeps-failing-back" if details.get("because") else "keeps-failing"
    step = str(details.get("step", ""))
    keys = (f"step.{details.get('action')}.{step}", f"step.{step}")
    named = next((reasons.phrase(key) for key in keys if reasons.texts().has(key)), step)
    return {"reason": reason, "values": {"step": named, "cause": reasons.cause(details["cause"])}}
