"""Whether the plug-in's own account at a vCenter can do what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.errors import IsthmusError
from ....core.model.description import Finding
from ..connection.soap import Connection, Who
from ..vcenters.privileges import SERVICE_ACCOUNT
from ..vcenters.reach import Reaches
from ..vcenters.vcenter import VCenter

_CHECK = "service account"


def service_findings(reaches: Reaches, vcenter: VCenter) -> Iterator[Finding]:
    """One finding: it is well, or what is missing and what that means."""
    if not vcenter.service_user:
        yield Finding(
            _CHECK,
            "warning",
            "There is none: the inventory is not watched, and what a user began is not finished after a crash.",
            "Make one with a role that has the plug-in's and the listed privileges, and run `isthmus vsphere upgrade` "
            "with --service-user.",
        )
        return

    def ask(connection: Connection, who: Who) -> frozenset[str]:
        return connection.privileges(connection.content.rootFolder, who.key, SERVICE_ACCOUNT)

    try:
        granted = reaches.get(vcenter.guid).as_service(ask)
    except IsthmusError as error:
        text = f"{vcenter.service_user} cannot be used: {error.message}"
        yield Finding(_CHECK, "error", text, error.next_step or "")
        return
    missing = [privilege for privilege in SERVICE_ACCOUNT if privilege not in granted]
    if missing:
        yield Finding(
            _CHECK,
            "error",
            f"{vcenter.service_user} lacks, on the vCenter itself: {', '.join(missing)}.",
            "Give it a role with these privileges on the root of the inventory, with propagation.",
        )
    else:
        yield Finding(_CHECK, "ok", f"{vcenter.service_user} has what it needs.")
