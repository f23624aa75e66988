"""Redfish and Swordfish: storage by class of service for every client that speaks the standard."""
