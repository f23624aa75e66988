"""Events as callers read and follow them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..context import Context
from ..events.numberer import last_number
from ..events.reader import after
from ..events.stream import Subscription
from ..model.event import Event
from ..runtime.parts import Parts
from ..security.policy import authorise, visible_tenant

_MOST = 1000


class Events:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def newest(self, context: Context) -> int:
        """The highest number that an event has; 0 before the first."""
        authorise(context, "event:read", context.tenant)
        with self.parts.database.read() as tx:
            return last_number(tx)

    def after(self, context: Context, number: int, limit: int = 100) -> Sequence[Event]:
        """Numbered events with a greater number, oldest first; raises `Gone` when some were discarded."""
        authorise(context, "event:read", context.tenant)
        with self.parts.database.read() as tx:
            return after(tx, number, max(1, min(limit, _MOST)), tenant=_whose(context))

    def stream(self, context: Context, number: int | None, render: Callable[[Event], bytes]) -> Subscription:
        """Follow the events; raises `Overloaded` beyond the cap."""
        authorise(context, "event:read", context.tenant)
        return self.parts.stream.subscribe(number, tenant=_whose(context), render=render)


def _whose(context: Context) -> str | None:
    tenant = visible_tenant(context)
    return tenant if tenant is not None else context.tenant
