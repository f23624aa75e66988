"""What a person does by hand, in words: in this installation with commands, elsewhere by the means of that system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....plugin_manager.contract import LOCAL_SYSTEM
from ..reasons import phrase


def detaching(system: str, field: str, identifier: str) -> Mapping[str, Any]:
    """How attachments are ended in a system: those whose `field` (`volume` or `host`) is this. A phrase."""
    if system == LOCAL_SYSTEM:
        return phrase("by-hand.detach", field=field, id=identifier)
    return phrase("by-hand.detach.there", system=system)
