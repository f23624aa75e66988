"""From a host to its storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..objects.host_storage_system import HostStorageSystem
    from ..objects.host_system import HostSystem
    from .host_storage import HostStorage


def storage_of(host: HostSystem) -> HostStorage:
    """The storage of a host."""
    return cast("HostStorageSystem", host.system("storageSystem")).storage
