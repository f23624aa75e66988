"""All flows of the core."""

from __future__ import annotations

from collections.abc import Iterator

from ..journal.step import Flow
from ..runtime.parts import Parts
from .attachment_flows import CreateAttachment, DeleteAttachment
from .snapshot_flows import CreateSnapshot, DeleteSnapshot
from .volume_create import CreateVolume
from .volume_delete import DeleteVolume
from .volume_extend import ExtendVolume
from .volume_revert import RevertVolume
from .volume_settle import SettleVolume


def core_flows(parts: Parts) -> Iterator[Flow]:
    """The flows that every engine has."""
    for maker in (
        CreateVolume,
        ExtendVolume,
        RevertVolume,
        SettleVolume,
        DeleteVolume,
        CreateSnapshot,
        DeleteSnapshot,
        CreateAttachment,
        DeleteAttachment,
    ):
        yield maker(parts).flow()
