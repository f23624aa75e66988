"""Every test here runs on each database."""

from __future__ import annotations

from tests.environment.database import database, postgresql_template, sqlite_template

__all__ = ["database", "postgresql_template", "sqlite_template"]
