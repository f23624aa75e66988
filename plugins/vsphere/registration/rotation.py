"""Keeps the pins that vCenters hold equal to what our server serves.

The server renews its certificate by itself. A duty looks often at what is served; where a vCenter holds another pin, it
is told the new one by the service account. One that was announced (`--next-certificate`) stands beside the current one
in the extension until it is served; then it takes its place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ....core.duties.duty import Duty, DutyRun
from ....core.errors import IsthmusError
from ..vcenters.vcenter import VCenter
from .request import Login

if TYPE_CHECKING:
    from .registrar import Registrar

INTERVAL_SECONDS = 60.0
_log = logging.getLogger(__name__)


def duty(registrar_of: Callable[[], Registrar]) -> Duty:
    """One process does it for all vCenters."""

    def run(this: DutyRun) -> None:
        registrar = registrar_of()
        served = ""
        for vcenter in registrar.vcenters.all():
            if not this.go_on():
                return
            if vcenter.registration is None:
                continue
            served = served or registrar.ours.certificate().fingerprint
            if vcenter.registration.pin != served:
                follow(registrar, vcenter)

    return Duty("vsphere.certificate", INTERVAL_SECONDS, run)


def follow(registrar: Registrar, vcenter: VCenter) -> bool:
    """Tell one vCenter the certificate that is served now; returns whether it was. What fails is told by the log and
    by `doctor`, and tried again; it keeps no other vCenter."""
    try:
        with registrar.session(vcenter, Login()) as (connection, _):
            registrar.put(connection, vcenter)
    except IsthmusError as error:
        _log.warning("vCenter %s still has our former certificate: %s", vcenter.name, error)
        return False
    _log.info("vCenter %s was told our new certificate", vcenter.name)
    return True
