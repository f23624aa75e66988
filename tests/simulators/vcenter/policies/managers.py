"""Managers that are named and do nothing here."""

from __future__ import annotations

from ..managed import Managed
from ..registry import pbm


class PolicySessions(Managed):
    """Sessions are the vCenter's own: a client shows its cookie in the header `vcSessionCookie`."""

    KIND = pbm.auth.SessionManager


class CapabilityMetadataManager(Managed):
    """Capabilities are told by the profile manager."""

    KIND = pbm.capability.CapabilityMetadataManager


class ComplianceManager(Managed):
    """No machine is checked."""

    KIND = pbm.compliance.ComplianceManager
