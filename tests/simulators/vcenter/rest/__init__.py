"""The REST side of a vCenter, minimal."""
