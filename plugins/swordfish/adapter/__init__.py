"""Adapter `swordfish`: a storage system elsewhere, over its Redfish and Swordfish service."""

from .system import SwordfishSystem

__all__ = ["SwordfishSystem"]
