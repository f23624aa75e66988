"""The kinds of managed objects, one a file."""
