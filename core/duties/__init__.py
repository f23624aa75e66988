"""Duties: periodic or long-running work that one process at a time does."""
