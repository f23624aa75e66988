"""Finds, checks, loads, configures and reports plugins, adapters, drivers and the other extensions."""
