"""What the service shows: one kind of resource a file."""
