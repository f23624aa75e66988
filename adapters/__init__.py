"""How a plugin reaches a storage system: the contracts, `local` and `remote`."""
