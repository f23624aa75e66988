"""An adapter of a third party that works until its folder says `broken`, and a system that never answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from isthmus.adapters.contract import AdapterSetup
from isthmus.core.context import Context
from isthmus.core.errors import NotOffered, Unauthenticated
from isthmus.core.model.description import Description

if Path("broken").exists():
    raise RuntimeError("not today")


class FragileAdapter:
    """Offers nothing but its description; hangs while its folder says `hanging`."""

    name: ClassVar[str] = "fragile"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["key"],
        "properties": {
            "colour": {"type": "string", "default": "blue"},
            "key": {"type": "string", "writeOnly": True},
        },
    }

    def __init__(self, setup: AdapterSetup) -> None:
        self.setup = setup

    def authenticate(self, *given: Any, **named: Any) -> Context:
        raise NotOffered("Nobody is known here.")

    def storage(self, context: Context) -> Any:
        return SimpleNamespace(context=context, describe=self.describe)

    def describe(self) -> Description:
        while Path("hanging").exists():
            time.sleep(0.05)
        if self.setup.secrets["key"] != "right":
            raise Unauthenticated("Wrong key.")
        return Description(self.setup.name, f"Fragile {self.setup.settings['colour']}", "1", ("pools",))

    def administration(self, context: Context) -> Any:
        raise NotOffered("There is nothing to administer.")

    def close(self) -> None:
        return
