"""Every test here runs on each database, with an engine whose back end does as it is told."""

from __future__ import annotations

from tests.environment.database import database, postgresql_template, sqlite_template
from tests.unit.engine.conftest import bench

__all__ = ["bench", "database", "postgresql_template", "sqlite_template"]
