"""Takes secrets out of text before it reaches a log. A last line of defence: nobody should log one at all."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

# What a name ends in when its value is a secret. No part of it may repeat: log text can be hostile.
_NAME = (
    r"(?:passw(?:or)?d|passphrase|secret|(?:private|api|chap)[_-]?key|session[_-]?id"
    r"|(?:access|auth|bearer|refresh|session|subject)[_-]?token)(?:[_-](?:in|out))?"
)
_SECRET_NAME = re.compile(rf"(?:{_NAME}|authorization|cookie)\Z", re.IGNORECASE)
_NAMES = ("passw", "passphrase", "secret", "key", "session", "token")
# Each rule with the words of which one must be there (in small letters): most lines hold none and cost little.
_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # A key cut short by a length limit is a key nevertheless: without an end line, all that follows goes.
    (
        ("private key-----",),
        re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S),
        rf"\1{HIDDEN}\2",
    ),
    (("ist_",), re.compile(r"\bist_[A-Za-z0-9_-]{16,}"), f"ist_{HIDDEN}"),
    (("$scrypt$",), re.compile(r"\$scrypt\$[^\s\"']+"), f"$scrypt${HIDDEN}"),
    (("bearer",), re.compile(r"\b(bearer\s)[A-Za-z0-9+/_.~=-]{16,}", re.I), rf"\1{HIDDEN}"),
    (
        ("authorization",),
        re.compile(r"(authorization\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?(?:[a-z]{1,20}\s)?)[^\s\"'\\,]+", re.I),
        rf"\1{HIDDEN}",
    ),
    # iSCSI URIs part user and CHAP secret by `%`, all others by `:`.
    (("://",), re.compile(r"(?<=://)([^\s/@:%\"']{0,256})([:%])[^\s/\"']{1,512}@"), rf"\1\2{HIDDEN}@"),
    # A value in quotes, in quotes inside a quoted document, and bare.
    (_NAMES, re.compile(rf"({_NAME}[\"']?\s{{0,4}}[:=]\s{{0,4}})\"(?:\\.|[^\"\\])*", re.I | re.S), rf'\1"{HIDDEN}'),
    (_NAMES, re.compile(rf"({_NAME}[\"']?\s{{0,4}}[:=]\s{{0,4}})'(?:\\.|[^'\\])*", re.I | re.S), rf"\1'{HIDDEN}"),
    (
        _NAMES,
        re.compile(rf"({_NAME}\\[\"']\s{{0,4}}[:=]\s{{0,4}}\\([\"']))(?:\\\\\\.|(?!\\\2).)*", re.I | re.S),
        rf"\1{HIDDEN}",
    ),
    (_NAMES, re.compile(rf"({_NAME}\s{{0,4}}[:=]\s{{0,4}})(?![\"'\\\s])[^\s,;&)}}\]\"']+", re.I), rf"\1{HIDDEN}"),
)


def redact(text: str) -> str:
    """`text` without bearer tokens, passwords in URIs and in `name=value` or JSON, password hashes and private keys."""
    small = text.lower()
    for words, pattern, replacement in _RULES:
        if any(word in small for word in words):
            text = pattern.sub(replacement, text)
    return text


def redact_value(value: Any, *, depth: int = 8) -> Any:
    """A copy of plain JSON values with secrets taken out of strings and from under names that mean one."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping) and depth:
        return {
            key: HIDDEN
            if item and isinstance(key, str) and _SECRET_NAME.search(key)
            else redact_value(item, depth=depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple) and depth:
        return [redact_value(item, depth=depth - 1) for item in value]
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class SecretFilter(logging.Filter):
    """Rewrites every record it sees: message, traceback and the extra fields of structured logs.

    Put it on handlers: a filter on a logger does not see what child loggers hand up.
    """

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            record.msg, record.args = redact(record.getMessage()), None
        except (TypeError, ValueError):  # a wrong format string is the formatter's to report, but unredacted
            record.msg, record.args = redact(str(record.msg)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name, value in list(record.__dict__.items()):
            if name not in _PLAIN:
                record.__dict__[name] = redact_value({name: value})[name]
        return True
