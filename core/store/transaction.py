"""An open connection, which takes statements that are compiled already past SQLAlchemy's execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.exc import DBAPIError

from .statement import Rows, Statement


class Tx(Connection):
    """A connection of the store. `driver` is the connection as the database's own driver has it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.driver: Any = self.connection.driver_connection
        self.durable = True
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error

    @overload
    def execute(self, statement: Statement, parameters: Mapping[str, Any] | None = None) -> Rows: ...
    @overload
    def execute(
        self, statement: Executable, parameters: Any = None, **options: Any
    ) -> CursorResult[*tuple[Any, ...]]: ...
    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        """Run a `Statement`, or any other as SQLAlchemy does. Errors are SQLAlchemy's either way."""
        if type(statement) is Statement:
            return self._run(statement, parameters)
        return super().execute(statement, parameters, **options)

    def tell(self, word: str) -> None:
        """Say a word without parameters to the database (`BEGIN`, a setting)."""
        try:
            self.driver.execute(word)
        except self._error as error:
            raise self._translated(word, error) from error

    def commit(self) -> None:
        """Keep what was written."""
        if self.in_transaction():
            super().commit()
            return
        try:
            self.driver.commit()
        except self._error as error:
            raise self._translated("COMMIT", error) from error

    def rollback(self) -> None:
        """Take back what was written since the last commit; does nothing when nothing was begun."""
        if self.get_transaction() is not None:
            super().rollback()
            return
        try:
            self.driver.rollback()
        except self._error as error:
            raise self._translated("ROLLBACK", error) from error

    def _run(self, statement: Statement, parameters: Mapping[str, Any] | None) -> Rows:
        form = statement.form(self.dialect)
        try:
            return form.execute(self.driver, parameters)
        except self._error as error:
            raise self._translated(form.text, error) from error

    def _translated(self, text: str, error: Any) -> Exception:
        """The driver's error as SQLAlchemy's; a connection that is lost is given up."""
        lost = self.dialect.is_disconnect(error, self.driver, None)
        if lost and not self.invalidated:
            self.invalidate(error)
        translated: Exception = DBAPIError.instance(
            text, None, error, self._error, connection_invalidated=lost, dialect=self.dialect
        )
        return translated
