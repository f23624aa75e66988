"""One request of a page, as routes see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from ...core.errors import Forbidden, Invalid
from ...plugin_manager.action import Actions
from ...plugin_manager.json_body import NotJson, read_object
from ...plugin_manager.places import Places
from ..dynamic import DynamicItems
from ..manifest import Surface
from ..objects import ObjectId
from ..platform import Admission, Platform, Sender

SESSION = "HTTP_VMWARE_API_SESSION_ID"
GATEWAY = "HTTP_VMWARE_API_GATEWAY_URL"
LARGEST_BODY = 64 * 1024
"""Bytes."""
_LONGEST_LOCALE = 32
_LONGEST_HEADER = 2048
_GUID = re.compile(r"[A-Za-z0-9-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Offering:
    """What the API stands on."""

    platform: Platform
    actions: Actions
    surface: Surface
    dynamic: DynamicItems
    places: Places


class Exchange:
    """A request, read lazily: who asks, about what, in which language."""

    def __init__(self, offering: Offering, environ: dict[str, Any], words: Mapping[str, str]) -> None:
        self.platform, self.actions, self.surface = offering.platform, offering.actions, offering.surface
        self.dynamic, self.places, self.words = offering.dynamic, offering.places, words
        self._environ = environ
        query = parse_qs(environ.get("QUERY_STRING", ""))
        self._query: dict[str, str] = {name: values[0] for name, values in query.items()}
        self.request_id = str(environ.get("isthmus.request_id", ""))
        self.locale = reader(environ)

    @cached_property
    def sender(self) -> Sender:
        """What the request shows of whoever sent it."""
        environ = self._environ
        token, gateway = str(environ.get(SESSION, "")), str(environ.get(GATEWAY, ""))
        if len(token) > _LONGEST_HEADER or len(gateway) > _LONGEST_HEADER:
            raise Invalid("The session's headers are too long.")
        return Sender(token, gateway, str(environ.get("REMOTE_ADDR", "")))

    @cached_property
    def target(self) -> ObjectId:
        """The object in question, or a whole vCenter; raises `Invalid` when none is named."""
        name, guid = self._query.get("object"), self._query.get("vcenter")
        if name is not None:
            return ObjectId.parse(name)
        if guid is None or not _GUID.fullmatch(guid):
            raise Invalid(
                "Neither an object nor a vCenter is named.",
                next_step="Add object=urn:vmomi:TYPE:ID:GUID or vcenter=GUID to the address.",
                field="object",
            )
        return ObjectId.whole(guid)

    def admitted(self, *privileges: str, at: ObjectId | None = None) -> Admission:
        """Who asks, at the target or at another object; raises as `Platform.admit` does."""
        return self.platform.admit(self.sender, at or self.target, privileges, self.request_id)

    def demanded(self, privilege: str | None) -> Admission:
        """The same, for somebody who has this privilege at the target; raises `Forbidden` without it."""
        admission = self.admitted(*([privilege] if privilege else []))
        if privilege in admission.missing:
            raise self.lacking(privilege)
        return admission

    def lacking(self, privilege: str | None) -> Forbidden:
        """What somebody without that privilege is told."""
        return Forbidden(
            self.text("dynamic.privilege", privilege=privilege),
            next_step=self.text("dynamic.privilege.cure"),
            spoken=self.locale,
            privilege=privilege,
        )

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent, an empty one for no body; raises `Invalid`."""
        return read_object(_content(self._environ))

    @property
    def input(self) -> dict[str, Any]:
        """The action's input in the body; an empty one without any."""
        found = self.body.get("input", {})
        if not isinstance(found, dict):
            raise Invalid("The input is an object.", field="input")
        return found

    def asked(self, name: str) -> str:
        """A word of the query; empty without it."""
        return self._query.get(name, "")

    def number(self, name: str, default: float, *, least: float = 0, most: float) -> float:
        """A number of the query; raises `Invalid`."""
        text = self._query.get(name)
        if text is None:
            return default
        value = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not least <= value <= most:
            raise Invalid(f"{name} is a number from {least:g} to {most:g}.", field=name)
        return value

    def text(self, key: str, /, **values: Any) -> str:
        """A text in the reader's language."""
        return self.surface.texts.get(key, self.locale, **values)

    def first(self, *keys: str) -> str | None:
        """The first of these texts that there is."""
        return next((self.text(key) for key in keys if self.surface.texts.has(key)), None)


def reader(environ: Mapping[str, Any]) -> str:
    """The locale of whoever reads the answer: the one in the query, else the browser's first."""
    query = parse_qs(environ.get("QUERY_STRING", "")).get("locale")
    named = query[0] if query else str(environ.get("HTTP_ACCEPT_LANGUAGE", "")).partition(",")[0]
    return named[:_LONGEST_LOCALE]


def demand_own_pages(environ: Mapping[str, Any]) -> None:
    """Raise unless a request that changes something may come from one of our own pages.

    A form of a foreign page cannot send JSON, and a browser says where a request comes from (Fetch Metadata).
    """
    if environ.get("HTTP_SEC_FETCH_SITE", "same-origin") != "same-origin":
        raise Forbidden("This comes from a page of another origin.", next_step="Use the pages in the vSphere Client.")
    if _media(environ) != "application/json":
        raise NotJson("The body is not declared as JSON.", next_step="Send Content-Type: application/json.")


def _media(environ: Mapping[str, Any]) -> str:
    return str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()


def _content(environ: Mapping[str, Any]) -> bytes:
    """All of the body, whether it says how long it is or comes in pieces."""
    declared = str(environ.get("CONTENT_LENGTH", ""))
    if declared and not (declared.isascii() and declared.isdigit() and int(declared[:20]) <= LARGEST_BODY):
        raise _too_large()
    left = int(declared) if declared else LARGEST_BODY + 1
    parts: list[bytes] = []
    while left > 0 and (part := environ["wsgi.input"].read(left)):
        parts.append(part)
        left -= len(part)
    if not declared and left <= 0:
        raise _too_large()
    return b"".join(parts)


def _too_large() -> Invalid:
    return Invalid(f"The body has more than {LARGEST_BODY} bytes, or a length that is none.")
