"""The profile that exists after the first start."""

from __future__ import annotations

from datetime import datetime

from ..model.profile import Profile

NAME = "default"


def default_profile(id: str, now: datetime) -> Profile:
    """Thin block volumes over iSCSI, wherever there is room; for every tenant."""
    return Profile(
        id=id,
        name=NAME,
        storage_type="block",
        created_at=now,
        updated_at=now,
        description="Thin volumes over iSCSI on any pool with room",
        is_default=True,
        properties={
            "provisioningProperties": {
                "dataStorage": {"provisioningPolicy": "Thin"},
                "ioConnectivity": {"accessProtocol": "iscsi"},
            }
        },
    )
