"""The weighers that come with Isthmus, one a file."""
