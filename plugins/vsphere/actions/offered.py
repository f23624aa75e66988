"""What does the actions on objects of the inventory, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....adapters.contract import Adapter
from ....core.model.record import Records
from ....plugin_manager.contract import LOCAL_SYSTEM, Submit
from ..connection.sealed_sessions import SealedSessions
from ..connection.sessions import UserSessions
from ..tasks.mirror import Mirror
from ..vcenters.reach import Reaches
from .declaration import Deed
from .delete import Delete
from .desk import Desk
from .expand import Expand
from .mount import Mount
from .provision import Provision
from .stage import Stage
from .unmount import Unmount


class Offered:
    """One for the process."""

    def __init__(
        self,
        reaches: Reaches,
        sessions: UserSessions,
        records: Records,
        submit: Submit,
        systems: Callable[[], Mapping[str, Adapter]],
    ) -> None:
        sealed = SealedSessions(records)
        stage = Stage(reaches, sealed, systems)
        self.desk = Desk(reaches, sessions, sealed, submit)
        self.mirror = Mirror(records, reaches, sealed, stage, lambda: systems()[LOCAL_SYSTEM])
        self._deeds: Mapping[str, Deed] = {
            "provision": Provision(self.desk, stage),
            "delete": Delete(self.desk, stage),
            "expand": Expand(self.desk, stage),
            "mount": Mount(self.desk, stage),
            "unmount": Unmount(self.desk, stage),
        }

    def deed(self, action: str) -> Deed:
        """What does an action."""
        return self._deeds[action]
