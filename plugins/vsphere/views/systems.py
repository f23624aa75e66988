"""The storage systems: what they are, how they answered last, and for administrators what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError
from ....core.model.page import LARGEST_PAGE, Query
from ....core.model.system import LOCAL, System, SystemState
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.block import Block, Cell, Entry, Level, Notice, Table, text
from ..systems.declared import ADD, EDIT, REMOVE, TEST
from ..vcenters.privileges import ADMINISTER
from .scene import MOST_ROWS, Scene


def known(systems: Mapping[str, Adapter]) -> Sequence[System]:
    """All that are configured, as this installation knows them: nothing is asked of the systems. Raises `Unavailable`.

    Every tenant's people see those that are enabled, without address and settings; so they are read as the plug-in.
    """
    context = Context(None, "vsphere", frozenset({"reader"}))
    return systems[LOCAL_SYSTEM].administration(context).systems.list(Query(sort="name", limit=LARGEST_PAGE)).items


def page(scene: Scene, systems: Mapping[str, Adapter]) -> Sequence[Block]:
    """One row for each."""
    words, administrator = scene.words, scene.may(ADMINISTER)
    try:
        found = [each for each in known(systems) if administrator or each.state is SystemState.ENABLED]
    except IsthmusError as error:
        message, cure = words.told(error)
        return [Notice(Level.ERROR, message, cure)]
    keys = ["name", "product", "adapter", "health", "offers", *(["address", "reason"] if administrator else [])]
    table = Table(
        "systems",
        words("systems"),
        words.columns(*keys),
        [_row(scene, each, administrator) for each in found[:MOST_ROWS]],
        words("systems.none"),
        [ADD] if administrator else [],
        more=len(found) > MOST_ROWS,
    )
    return [*scene.stale(), table]


def health(scene: Scene, system: System) -> Cell:
    """How it answered last."""
    disabled = system.state is SystemState.DISABLED
    return scene.words.state("system", "disabled" if disabled else system.health)


def _row(scene: Scene, system: System, administrator: bool) -> Entry:
    offered = [each for each in ("volumes", "snapshots", "attachments", "metrics") if _offers(system, each)]
    cells = {
        "name": text(system.name),
        "product": text(system.product or None),
        "adapter": text(system.adapter),
        "health": health(scene, system),
        "offers": text(", ".join(scene.words(f"offers.{each}") for each in offered)),
    }
    if not administrator:
        return Entry(system.id, cells)
    cells |= {"address": text(system.address), "reason": text(system.health_reason)}
    actions = [TEST] if system.name == LOCAL else [TEST, EDIT, REMOVE]
    return Entry(system.id, cells, actions, given={"system": system.id})


def _offers(system: System, part: str) -> bool:
    return any(each == part or each.startswith(f"{part}.") for each in system.offers)
