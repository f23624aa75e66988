"""Maintenance windows, and changes that wait for them."""
