"""The messages that this service sends, in the words of the registries that DMTF and SNIA publish.

`messages.json` holds what is sent and no more: by registry and key the severity, the text and the resolution. Clients
find the registries whole at their publisher (`resources/registries.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

TYPE = "#Message.v1_3_0.Message"
_PLACE = re.compile(r"%([1-9])")

TABLE: Mapping[str, Mapping[str, Any]] = json.loads(files(__package__).joinpath("messages.json").read_text())
"""Registries by prefix, each with its `version` and `messages`."""


def message_id(name: str) -> str:
    """The id of a message on the wire: `Base.1.22.Success` for `Base.Success` (DSP0266, MessageId format)."""
    prefix, _, key = name.rpartition(".")
    return f"{_STEMS[prefix or 'Base']}.{key}"


def said(name: str, *arguments: str, related: Sequence[str] = (), resolution: str | None = None) -> dict[str, Any]:
    """A message with its arguments. `name` is `Registry.Key`, or a key of the registry `Base`.

    `related` are JSON pointers of the properties it is about. `resolution` takes the place of the registry's, which
    the standard allows where a service knows better. KeyError for a message that is not in the table: a defect.
    """
    prefix, _, key = name.rpartition(".")
    severity, text, cure = TABLE[prefix or "Base"]["messages"][key]
    if arguments:
        text = _PLACE.sub(lambda found: arguments[int(found[1]) - 1], text)
    message: dict[str, Any] = {
        "@odata.type": TYPE,
        "MessageId": message_id(name),
        "Message": text,
        "MessageSeverity": severity,
        "Resolution": resolution or cure,
    }
    if arguments:
        message["MessageArgs"] = list(arguments)
    if related:
        message["RelatedProperties"] = list(related)
    return message


def versionless(message_id: str) -> str:
    """A message id without its version: `Base.1.22.Success` and `Base.Success` both give `Base.Success`."""
    prefix, _, rest = message_id.partition(".")
    return f"{prefix}.{rest.rpartition('.')[2]}"


def _stem(prefix: str, version: str) -> str:
    major, minor, _ = version.split(".")
    return f"{prefix}.{major}.{minor}"


_STEMS = {prefix: _stem(prefix, registry["version"]) for prefix, registry in TABLE.items()}
