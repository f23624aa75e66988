"""Keeps the pins that vCenters hold equal to what our server serves.

The server renews its certificate by itself. A duty looks often at what is served; where a vCenter holds another pin, it
is told the new one by the service account. One that was announced (`--next-certificate`) stands beside the current one
in the extension until it is served; then it takes its place. Nobody watches the duty, and whoever answers at our
address could show it anything: so a certificate that is neither the server's own nor was announced waits for a person.
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
    """One process does it for all vCenters. What fails is told by the log and by `doctor`, and tried again; it keeps no
    other vCenter."""
    told: dict[str, str] = {}

    def run(this: DutyRun) -> None:
        registrar = registrar_of()
        served = ""
        for vcenter in registrar.vcenters.all():
            if not this.go_on():
                return
            if vcenter.registration is None:
                continue
            served = served or registrar.ours.certificate().fingerprint
            if vcenter.registration.pin == served:
                told.pop(vcenter.guid, None)
                continue
            try:
                follow(registrar, vcenter)
                told.pop(vcenter.guid, None)
                _log.info("vCenter %s was told our new certificate", vcenter.name)
            except IsthmusError as error:
                # The same reason is not told every time.
                if told.get(vcenter.guid) != error.message:
                    _log.warning("vCenter %s still has our former certificate: %s", vcenter.name, error)
                told[vcenter.guid] = error.message

    return Duty("vsphere.certificate", INTERVAL_SECONDS, run)


def follow(registrar: Registrar, vcenter: VCenter) -> None:
    """Tell one vCenter the certificate that is served now. Raises `Conflict` for one that nobody may be told of without
    a person's word, and what the vCenter refuses."""
    served = registrar.familiar(vcenter)
    with registrar.session(vcenter, Login()) as (connection, _):
        registrar.put(connection, vcenter, served=served)
