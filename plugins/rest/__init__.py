"""Plugin `rest`: our own API under `/v1`, with its documents, events, health and metrics."""
