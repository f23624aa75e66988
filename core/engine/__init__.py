"""The engine: what may be asked of the core, accepted here and done by flows."""
