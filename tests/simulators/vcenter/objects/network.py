"""Network: a name that hosts and machines refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..registry import vim
from .entity import Entity

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .datacenter import Datacenter


class Network(Entity):
    """A standard network."""

    KIND = vim.Network
    PREFIX = "network-"
    PRIVILEGES: ClassVar = {"Destroy_Task": "Network.Delete", "Rename_Task": "Network.Config"}

    def __init__(self, vc: VCenter, name: str, datacenter: Datacenter) -> None:
        super().__init__(vc, name, datacenter.networks)
        self.set("summary", vim.Network.Summary(network=self.ref, name=name, accessible=True, ipPoolName=""))
        datacenter.networks.adopt(self)
        datacenter.extend("network", self.ref)
