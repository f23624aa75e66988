"""Links between resources: arrays of them with their counts, and what the links in a body lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..uris import link
from .refusal import Refusal, refuse
from .resource import JsonSchema

LINK: JsonSchema = {
    "type": "object",
    "properties": {"@odata.id": {"type": "string", "maxLength": 2048}},
    "required": ["@odata.id"],
    "additionalProperties": False,
}
LINKS: JsonSchema = {"type": "array", "items": LINK, "maxItems": 64}


def counted(name: str, uris: Sequence[str]) -> dict[str, Any]:
    """An array of links with its count beside it."""
    return {name: [link(uri) for uri in uris], f"{name}@odata.count": len(uris)}


def member(uri: str, collection: str) -> str | None:
    """The id of the member of a collection that a URI leads to; None for a URI of anything else."""
    stem, _, wanted = uri.rstrip("/").rpartition("/")
    return wanted if stem == collection and wanted else None


def wrong_link(pointer: str, uri: str, advice: str) -> Refusal:
    """The link at `pointer` of a body leads to nothing that could stand there."""
    return refuse(400, "PropertyValueIncorrect", pointer[1:], uri[:255], related=(pointer,), resolution=advice)
