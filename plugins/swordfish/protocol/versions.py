"""The version of the standard that this service speaks."""

from __future__ import annotations

REDFISH = "1.20.0"
"""DSP0266."""
