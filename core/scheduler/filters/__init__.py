"""The filters that come with Isthmus, one a file."""
