"""What `doctor` says of tags and storage policies: what only a person can mend. The rest the duty mends by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....adapters.contract import Adapter
from ....core.errors import IsthmusError
from ....core.model.description import Finding
from ..vcenters.reach import Reaches
from .keeper import Keeper

CHECK = "storage policies"
_CURES = {
    "policy-kept": "Give the machines another policy in the vSphere Client; it is removed then.",
    "policy-name-taken": "Rename the policy in the vSphere Client, or the profile.",
    "tag-name-taken": "Rename the tag in the vSphere Client, or the profile.",
}


def findings(reaches: Reaches, systems: Mapping[str, Adapter], guid: str) -> Iterator[Finding]:
    """Asks the vCenter; nothing without a service account, and of one that does not answer others tell."""
    if not reaches.get(guid).account.user:
        return
    try:
        found = Keeper(reaches, systems, guid).census().deviations()
    except IsthmusError:
        return
    for each in found:
        if each.kind in _CURES:
            yield Finding(CHECK, "warning", each.text(), _CURES[each.kind])
