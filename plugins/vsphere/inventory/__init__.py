"""What a vCenter holds, in memory, fed by its own events."""
