"""Profiles as classes of service and back."""
