"""Benchmarks: each is run as `python -m tests.benchmarks.NAME` and prints one line of JSON."""
