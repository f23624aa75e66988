"""What an upgrade would change: the vCenters are asked, and nothing is changed, there or here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..vcenters.vcenter import VCenter
from . import extension
from .registrar import Registrar, announced_in


def planned(registrar: Registrar, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each vCenter that is meant: the version that is registered there, the one that would be, and what of the
    registration would be another. Raises as `Registrar.upgrade` does."""

    def ask(vcenter: VCenter) -> dict[str, Any]:
        with registrar.upgrading(vcenter, given) as (connection, found):
            wanted = registrar.wanted(replace(vcenter, **found), announced=announced_in(given))
            registered = extension.find(connection)
            if registered is None:
                changes = ["it is not registered"]
            else:
                changes = list(extension.differences(registered, extension.build(wanted, connection.version)))
        return {
            "vcenter": vcenter.name,
            "guid": vcenter.guid,
            "registered": "" if registered is None else str(registered.version),
            "version": wanted.version,
            "changes": changes,
        }

    return registrar.each(given, ask)
