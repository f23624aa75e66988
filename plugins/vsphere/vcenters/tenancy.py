"""Whether a tenant may be acted for now."""

from __future__ import annotations

import time
from collections.abc import Callable

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import NotFound

REMEMBERED_SECONDS = 5.0


class Tenancy:
    """Asks the core, and remembers the answer for seconds: people from a vCenter have no account here whose
    tokens would die with the tenant."""

    def __init__(self, adapter: Callable[[], Adapter]) -> None:
        self._adapter = adapter
        self._known: dict[str, tuple[bool, float]] = {}

    def open(self, tenant: str) -> bool:
        """Whether there is such a tenant and it is enabled."""
        moment = time.monotonic()
        known = self._known.get(tenant)
        if known is not None and known[1] > moment:
            return known[0]
        context = Context(tenant, "vsphere", frozenset({"reader"}))
        try:
            enabled = self._adapter().administration(context).tenants.get(tenant).enabled
        except NotFound:
            enabled = False
        self._known[tenant] = enabled, moment + REMEMBERED_SECONDS
        return enabled
