"""One folder per platform that Isthmus speaks to."""
