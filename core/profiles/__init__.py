"""Profiles: the document that says what is wanted of storage, checked and compiled to what pools are matched by."""
