"""ResourcePool: the root pool of a host or cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..registry import vim
from .entity import Entity

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .compute_resource import ComputeResource


class ResourcePool(Entity):
    """Holds machines; has no limits."""

    KIND = vim.ResourcePool
    PREFIX = "resgroup-"
    PRIVILEGES: ClassVar = {"Destroy_Task": "Resource.DeletePool", "Rename_Task": "Resource.RenamePool"}

    def __init__(self, vc: VCenter, owner: ComputeResource) -> None:
        super().__init__(vc, "Resources", owner)
        self.set("owner", owner.ref)
