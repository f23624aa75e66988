"""The namespaces of extensions: entry-point groups that any installed distribution may add to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..adapters.contract import CONTRACT_VERSION as ADAPTERS
from ..core.dispatchers.contract import CONTRACT_VERSION as DISPATCHERS
from ..core.drivers.contract import CONTRACT_VERSION as DRIVERS
from ..core.targets.contract import CONTRACT_VERSION as TARGETS
from .contract import CONTRACT_VERSION as PLUGINS


@dataclass(frozen=True, slots=True)
class Namespace:
    """One kind of extension.

    `name` is how administrators call it, `group` the entry-point group. `contract` is the contract version of this
    release. With `declared` an extension must say which version it was written for (`contract_version`); others are
    taken to fit unless they say otherwise. `needs` are the attributes without which it cannot be what it says.
    """

    name: str
    group: str
    contract: int
    declared: bool = False
    needs: tuple[str, ...] = ()


NAMESPACES: Mapping[str, Namespace] = {
    namespace.name: namespace
    for namespace in (
        Namespace(
            "plugins",
            "isthmus.plugins",
            PLUGINS,
            declared=True,
            needs=("name", "settings_schema", "prefixes", "wsgi", "actions", "flows", "duties", "ready", "close"),
        ),
        Namespace("adapters", "isthmus.adapters", ADAPTERS, declared=True, needs=("name", "settings_schema")),
        Namespace("drivers", "isthmus.drivers", DRIVERS, needs=("name", "settings_schema")),
        Namespace("targets", "isthmus.targets", TARGETS, needs=("name", "protocol", "form", "settings_schema")),
        # Filters and weighers bring numpy; their contract is checked by what they declare, not by importing it here.
        Namespace("filters", "isthmus.filters", 1, needs=("name",)),
        Namespace("weighers", "isthmus.weighers", 1, needs=("name", "weight")),
        Namespace("dispatchers", "isthmus.dispatchers", DISPATCHERS, needs=("start", "dispatch", "stop")),
        Namespace("key_sources", "isthmus.key_sources", 1),
    )
}
"""All namespaces by name."""
