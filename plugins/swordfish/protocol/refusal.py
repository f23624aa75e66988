"""What cannot be answered as asked: a status and messages of the registries (DSP0266, Error responses)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .messages import said


class Refusal(Exception):
    """Ends a request with `status`; nothing was changed. `messages` say why, the first one first."""

    def __init__(
        self, status: int, messages: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(messages[0]["Message"])
        self.status = status
        self.messages = list(messages)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error as DSP0266 has it."""
        first = self.messages[0]
        return {
            "error": {
                "code": first["MessageId"],
                "message": first["Message"],
                "@Message.ExtendedInfo": self.messages,
            }
        }


def refuse(status: int, name: str, *arguments: str, **more: Any) -> Refusal:
    """A refusal with one message (see `messages.said`)."""
    return Refusal(status, [said(name, *arguments, **more)])


def missing(uri: str) -> Refusal:
    """There is no such resource, or the caller may not know of it."""
    return refuse(404, "ResourceMissingAtURI", uri)


def not_allowed(allow: Sequence[str]) -> Refusal:
    """The resource does not take this method (DSP0266, HTTP methods: 405 with Allow)."""
    return Refusal(405, [said("OperationNotAllowed")], {"Allow": ", ".join(allow)})
