"""Storage systems, added, tested, changed and removed from where the datastores are."""
