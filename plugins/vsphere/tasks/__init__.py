"""Actions as tasks of the vCenter."""
