"""Counts the errors of a database, whoever meets them and whatever is made of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from ..store.database import Database
from .metrics import Metrics


def count_errors(database: Database, metrics: Metrics) -> None:
    """Count from now on, by the class of the error."""

    def failed(context: Any) -> None:
        error = context.sqlalchemy_exception or context.original_exception
        metrics.database_error(type(error).__name__)

    event.listen(database.engine, "handle_error", failed)
