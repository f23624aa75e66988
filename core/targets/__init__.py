"""Targets: how a node publishes what a driver allocates."""
