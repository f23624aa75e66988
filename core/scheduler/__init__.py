"""The scheduler: proposes pools for a placement from memory, and explains why those and not others."""
