"""The core's flows: what happens, step by step, after a change was accepted."""
