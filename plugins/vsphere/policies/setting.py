"""The plugin's setting `profile_policies`. Light: it is read whenever the plugin is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROFILE_POLICIES = "profile_policies"
SCHEMA: Mapping[str, Any] = {
    "type": "boolean",
    "default": True,
    "description": "Whether vCenters have a tag and a storage policy for each profile, kept in step by this server.",
}
