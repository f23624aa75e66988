"""The contents of all pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import NotFound
from ....core.model.record import Records
from ....ui_bridge.block import Block
from ....ui_bridge.objects import ObjectId
from ..actions.desk import Desk
from ..events.memory import Memory
from ..inventory.watch import Watches
from . import datastore, events, host, hosts, machine, operations, overview, pools, systems, volumes
from .asking import SECONDS, Asking
from .declared import VIEWS
from .scene import Scene
from .users import Users
from .words import Words

Page = Callable[[Scene], Sequence[Block]]


class Views:
    """One for the process. `records` are the plug-in's. A storage system is waited for `seconds`; `host_rules` are the
    plug-in's setting."""

    def __init__(
        self,
        desk: Desk,
        watches: Watches,
        installed: Callable[[], Mapping[str, Adapter]],
        records: Records,
        *,
        seconds: float = SECONDS,
        host_rules: Mapping[str, Any] | None = None,
    ) -> None:
        self._desk, self._watches, self._records = desk, watches, records
        self._installed, self._asking = installed, Asking(installed, seconds=seconds)
        self._host_rules = host_rules or {}
        self._pages: Mapping[str, Page] = {
            "overview": lambda scene: overview.page(scene, installed()),
            "systems": lambda scene: systems.page(scene, installed()),
            "pools": pools.page,
            "volumes": volumes.page,
            "hosts": hosts.page,
            "operations": operations.page,
            "events": events.page,
            "datastore-card": datastore.card,
            "datastore-storage": datastore.page,
            "host-card": host.card,
            "host-storage": host.page,
            "vm-disks": machine.page,
        }

    def content(self, view: str, context: Context, target: ObjectId, locale: str) -> Sequence[Block]:
        """What a page shows to somebody, in the language of `locale`. `target` is an object of the page's type; without
        a type (`ObjectId("", "", GUID)`) it is the vCenter, for the plug-in's own pages.

        Raises `NotFound` for a page or object that there is not, `Unauthenticated` when the person's session has ended,
        `Unavailable` where nothing at all can be said now. A storage system that does not answer becomes a notice.
        """
        declared = next((each for each in VIEWS if each.id == view and each.kind == target.kind), None)
        if declared is None:
            raise NotFound(f"There is no page {view[:40]!r} here.", next_step="Reload the page in the vSphere Client.")
        seat = self._desk.seated(context, target)
        inventory, users = self._watches.inventory(target.guid), Users(self._installed)
        memory = Memory(self._records, target.guid)
        return self._pages[view](Scene(Words(locale), seat, inventory, self._asking, users, memory, self._host_rules))
