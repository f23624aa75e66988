"""Looks now and then whether tags and storage policies are in step with the profiles, and mends what is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ....adapters.contract import Adapter
from ....core.duties.duty import Duty, DutyRun
from ....core.errors import IsthmusError
from ..vcenters.reach import Reaches

INTERVAL_SECONDS = 300.0
_log = logging.getLogger(__name__)


def duty(reaches: Callable[[], Reaches], systems: Callable[[], Mapping[str, Adapter]]) -> Duty:
    """One process does it for all vCenters that have a service account; one that fails keeps no other."""
    told: dict[str, str] = {}

    def run(this: DutyRun) -> None:
        from .keeper import Keeper

        for vcenter in reaches().vcenters.all():
            if not this.go_on():
                return
            if vcenter.registration is None or not vcenter.service_user:
                continue
            try:
                if Keeper(reaches(), systems(), vcenter.guid).mend(this.go_on):
                    _log.info("tags and storage policies of vCenter %s were brought in step", vcenter.name)
                told.pop(vcenter.guid, None)
            except IsthmusError as error:
                # The same reason is not told every time.
                if told.get(vcenter.guid) != error.message:
                    _log.warning("tags and storage policies of vCenter %s: %s", vcenter.name, error)
                told[vcenter.guid] = error.message

    return Duty("vsphere.profiles", INTERVAL_SECONDS, run)
