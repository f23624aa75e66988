"""The vCenters as they are listed: no secret, and how the way to each is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..vcenters.reach import Reaches


def listed(reaches: Reaches, silent: Mapping[str, str]) -> list[dict[str, Any]]:
    """One entry each; nothing is asked of a vCenter, so a dead one costs no time. `silent` says of those that are known
    not to answer, by their names, why."""
    found = []
    for vcenter in reaches.vcenters.all():
        reason = silent.get(vcenter.name, "")
        found.append(
            {
                "guid": vcenter.guid,
                "name": vcenter.name,
                "tenant": vcenter.tenant,
                "release": vcenter.release,
                "state": vcenter.state,
                "reachable": not reason,
                "reason": reason,
                "verified_by": vcenter.trust.pin or "authority",
                "service_user": vcenter.service_user,
                "administrators": vcenter.administrators,
                "version": vcenter.registration.version if vcenter.registration else "",
                "url": vcenter.registration.url if vcenter.registration else "",
            }
        )
    return found
