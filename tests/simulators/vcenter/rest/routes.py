"""All routes of a vCenter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import inventory, sessions, tagging
from .router import Router

if TYPE_CHECKING:
    from ..vcenter import VCenter


def routes(vc: VCenter) -> Router:
    """The router with every route in it."""
    router = Router(vc)
    for install in (sessions.install, tagging.install, inventory.install):
        install(vc, router)
    return router
