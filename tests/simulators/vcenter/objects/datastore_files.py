"""What datastores of every kind have: files, a browser, and reasons why they cannot be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..registry import named_fault, vim
from ..storage.files import Files
from .datastore_browser import DatastoreBrowser
from .entity import Entity

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .datastore import Datastore
    from .host_system import HostSystem


class DatastoreFiles(Entity):
    """The files of a datastore are kept in memory here; kinds with a disk keep them there."""

    # Whether it is there without anything behind it: then its files are not asked for, nor who mounts it.
    PLAYED: ClassVar = True

    def __init__(self, vc: VCenter, name: str, parent: Entity | None, **initial: Any) -> None:
        super().__init__(vc, name, parent, **initial)
        self.files = Files()
        # Hosts whose cluster's high availability writes heartbeats here.
        self.heartbeats: tuple[HostSystem, ...] = ()
        self.set("browser", DatastoreBrowser(self).ref)

    def renamed(self) -> None:
        super().renamed()
        for ref in self.get("vm") or []:
            self.vc.machine(ref).follow(self._datastore)

    @property
    def _datastore(self) -> Datastore:
        return cast("Datastore", self)

    def save(self) -> None:
        """Keep the files as they are now. Not to be called under the model's lock. InaccessibleDatastore when no host
        can."""

    def blockers(self) -> list[str]:
        """Why the datastore is in use, beside the machines on it."""
        found = []
        if self.heartbeats:
            hosts = ", ".join(each.name for each in self.heartbeats)
            found.append(f"vSphere HA uses it for the heartbeats of {hosts}")
        if self.get("iormConfiguration.enabled"):
            found.append("Storage I/O Control is enabled on it")
        above = self.parent
        if above is not None and isinstance(above.ref, vim.StoragePod):
            found.append(f"it is in the datastore cluster {above.name}")
        return found

    def demand_unblocked(self) -> None:
        """ResourceInUse, with the reasons."""
        found = self.blockers()
        if found:
            raise named_fault(
                vim.fault.ResourceInUse(type=vim.Datastore, name=self.name),
                f"The resource '{self.name}' is in use: {'; '.join(found)}.",
            )

    def removed(self) -> None:
        browser = self.get("browser")
        self.vc.model.remove(self.vc.model.of(browser))
