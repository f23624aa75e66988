"""The store: SQLAlchemy Core on SQLite or PostgreSQL, only what both do alike."""
