"""Chaos: engines that die at every point of every flow, and what must be true afterwards."""
