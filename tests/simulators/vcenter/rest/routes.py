"""All routes of a vCenter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import sessions
from .router import Router

if TYPE_CHECKING:
    from ..vcenter import VCenter


def routes(vc: VCenter) -> Router:
    """The router with every route in it."""
    router = Router(vc)
    for each in (sessions,):
        each.install(vc, router)
    return router
