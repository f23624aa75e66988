"""What an administrator of a vCenter is told without asking: events, and the alarms that they set and clear."""
