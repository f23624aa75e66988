"""What a page is told when something cannot be done: the cause and the cure, in the reader's language."""

from __future__ import annotations

from typing import Any

from ...core.errors import IsthmusError
from ...plugin_manager.status import status_of
from ..locale import Texts, language
from ..platform import Platform, TooManyAttempts
from .explanation import explanation_blocks

_RETRY_SECONDS = 5
_SCHEME = "vmware-api-session-id"


def told(error: IsthmusError, platform: Platform, texts: Texts, locale: str) -> tuple[str, str]:
    """Cause and cure: as the plugin tells them, else as is said of errors of this kind, with what was said in English
    behind it."""
    if error.details.get("spoken") == locale:
        return error.message, error.next_step or ""
    found = platform.told(error, locale)
    if found is not None:
        return found
    if language(locale) == "en" or not texts.has(f"error.{error.code}"):
        return error.message, error.next_step or ""
    cure = f"error.{error.code}.cure"
    next_step = texts.get(cure, locale) if texts.has(cure) else error.next_step or ""
    return texts.get(f"error.{error.code}", locale, said=error.message), next_step


def defect(texts: Texts, locale: str, request_id: str) -> IsthmusError:
    """What is said of a defect of ours; the log has the rest under the request's id."""
    cure = texts.get("defect.cure", locale, request=request_id)
    return IsthmusError(texts.get("defect", locale), next_step=cure, spoken=locale)


def problem(
    error: IsthmusError, platform: Platform, texts: Texts, locale: str, request_id: str
) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    """Status, body and headers."""
    status = 429 if isinstance(error, TooManyAttempts) else status_of(error)
    message, cure = told(error, platform, texts, locale)
    body: dict[str, Any] = {"code": error.code, "message": message, "next_step": cure, "request_id": request_id}
    if isinstance(field := error.details.get("field"), str):
        body["field"] = field
    if explanation := error.details.get("explanation"):
        body["blocks"] = [each.to_json() for each in explanation_blocks(explanation, texts, locale)]
    headers = []
    if status == 401:
        headers.append(("WWW-Authenticate", _SCHEME))
    retry_after = error.details.get("retry_after", _RETRY_SECONDS if status in (429, 503) else None)
    if retry_after is not None:
        headers.append(("Retry-After", str(max(1, int(retry_after)))))
    return status, body, headers
