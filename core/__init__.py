"""The storage engine: nouns, store, journal, flows, scheduler, profiles, drivers, targets, security, events."""
