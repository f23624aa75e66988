"""The actions on objects of the inventory, one a file."""

from __future__ import annotations

from collections.abc import Sequence

from ..declaration import Declared
from .apply_host_settings import APPLY_HOST_SETTINGS
from .check_host import CHECK_HOST
from .clone import CLONE
from .delete import DELETE
from .expand import EXPAND
from .mount import MOUNT
from .protect import PROTECT
from .provision import PROVISION
from .rdm_add import RDM_ADD
from .rdm_remove import RDM_REMOVE
from .reclaim import RECLAIM
from .rescan import RESCAN
from .restore import RESTORE
from .snapshot import SNAPSHOT
from .snapshot_delete import SNAPSHOT_DELETE
from .sync_profiles import SYNC_PROFILES
from .unmount import UNMOUNT

DECLARED: Sequence[Declared] = (
    PROVISION,
    DELETE,
    EXPAND,
    MOUNT,
    UNMOUNT,
    SNAPSHOT,
    CLONE,
    RESTORE,
    SNAPSHOT_DELETE,
    PROTECT,
    RDM_ADD,
    RDM_REMOVE,
    RECLAIM,
    RESCAN,
    CHECK_HOST,
    APPLY_HOST_SETTINGS,
    SYNC_PROFILES,
)
"""In the order of the menus."""
