"""Logs to standard error, as text or as JSON, each line with the id of the request it belongs to."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ...core.security.redaction import SecretFilter

REQUEST_ID: contextvars.ContextVar[str | None] = contextvars.ContextVar("isthmus_request_id", default=None)
"""The id of the request that this thread works on."""

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request_id"}
_sources: list[Callable[[], str | None]] = [REQUEST_ID.get]


def also_ask(source: Callable[[], str | None]) -> None:
    """Let `source` name the request too, where no request is being answered (the step of an operation)."""
    _sources.append(source)


class RequestIds(logging.Filter):
    """Notes the request id on each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "request_id", None) is None:
            record.request_id = next((found for source in _sources if (found := source())), None)
        return True


class QuietServer(logging.Filter):
    """Leaves out the web server's advice on thread counts: event streams need more threads than processors."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Configuration allows spawning")


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z INFO isthmus.core.journal: text [req-…] name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}"
        request_id = getattr(record, "request_id", None)
        if request_id:
            line += f" [{request_id}]"
        line += "".join(f" {name}={value}" for name, value in _extra(record).items())
        # A line that a caller broke could pass for another record.
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        for more in (_traceback(self, record), record.stack_info):
            if more:
                line += "\n" + more
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", None),
            "process": record.process,
            "thread": record.threadName,
            "traceback": _traceback(self, record) or None,
            "stack": record.stack_info,
            **_extra(record),
        }
        return json.dumps({name: value for name, value in document.items() if value is not None}, default=str)


def configure(level: str, form: str) -> None:
    """Send all logs of this process to standard error, secrets taken out. May be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    handler.addFilter(RequestIds())
    handler.addFilter(SecretFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    web = logging.getLogger("_granian")
    web.filters[:] = [QuietServer()]


def of_web_server() -> dict[str, Any]:
    """What keeps the web server from bringing handlers of its own: its records go the way of all others."""
    return {
        "handlers": {},
        "formatters": {},
        "loggers": {"_granian": {"handlers": [], "propagate": True}, "granian.access": {"handlers": []}},
    }


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _PLAIN}


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    return record.exc_text or ""
