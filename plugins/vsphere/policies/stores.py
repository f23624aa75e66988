"""The datastores of a vCenter and the profiles of the volumes behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError, NotOffered
from ..actions.stage import everything
from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..hosts.reading import read_all
from .mark import Key


@dataclass(frozen=True, slots=True)
class Store:
    """A datastore by its id. `profile` is None where no system here has its volume; `sure` is false when a system that
    may have it does not answer."""

    moid: str
    name: str
    profile: Key | None
    sure: bool = True


def all_below(connection: Connection, container: Any) -> list[Any]:
    """References to the datastores in a datacenter or folder."""
    with translated(connection.endpoint):
        view = connection.content.viewManager.CreateContainerView(container, [vim.Datastore], True)
        try:
            return list(connection.read(view, "view").get("view") or [])
        finally:
            view.DestroyView()


def stores(
    connection: Connection, refs: Sequence[Any], systems: Mapping[str, Adapter], context: Context
) -> list[Store]:
    """Those of the datastores that are there, in their order."""
    found = read_all(connection, refs, "name", "info")
    silent: set[str] = set()
    return [
        _store(each._moId, found[each._moId], systems, context, silent) for each in refs if each._moId in found
    ]  # fmt: skip


def _store(
    moid: str, values: Mapping[str, Any], systems: Mapping[str, Adapter], context: Context, silent: set[str]
) -> Store:
    name, info = str(values.get("name", moid)), values.get("info")
    extents: Any = info.vmfs.extent if isinstance(info, vim.host.VmfsDatastoreInfo) and info.vmfs is not None else []
    if len(extents) != 1:
        return Store(moid, name, None)
    disk = str(extents[0].diskName)
    for system, adapter in systems.items():
        if system in silent:
            continue
        try:
            volumes = everything(adapter.storage(context).volumes.list, identifier=disk)
            volume = next(iter(volumes), None)
        except NotOffered:
            continue
        except IsthmusError:
            silent.add(system)
            continue
        if volume is not None:
            return Store(moid, name, Key(system, volume.profile))
    return Store(moid, name, None, sure=not silent)
