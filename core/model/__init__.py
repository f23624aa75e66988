"""The nouns of the core: frozen dataclasses, sizes in bytes, times in UTC, ids as UUID text."""
