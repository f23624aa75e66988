"""Drivers: how bytes are allocated on a back end."""
