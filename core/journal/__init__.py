"""The journal: every change is an operation that is finished or undone, whatever dies meanwhile."""
