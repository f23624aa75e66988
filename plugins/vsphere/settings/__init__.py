"""Settings of ESXi hosts against rules that are data: what differs, why it matters, and putting it right."""
