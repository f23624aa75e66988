"""What is wrong and what to do about it, as a doctor or an action tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from ...core.model.description import Finding

_NEEDED = frozenset({"check", "level", "text"})
_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


def findings_in(value: Any) -> list[Finding]:
    """The findings that a list of JSON objects is made of; nothing where it is made of anything else."""
    if not isinstance(value, Sequence) or not value:
        return []
    if not all(isinstance(each, Mapping) and _NEEDED <= each.keys() <= _NEEDED | {"cure"} for each in value):
        return []
    return [Finding(**each) for each in value]


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """A line each, and one more for what to do where something is not well."""
    for finding in findings:
        yield f"{click.style(f'{finding.level:<8}', fg=_COLOURS.get(finding.level))}{finding.check}: {finding.text}"
        if finding.cure and finding.level != "ok":
            yield f"        {finding.cure}"


def is_error(value: Any) -> bool:
    """Whether this is an error document (`IsthmusError.to_json`)."""
    return isinstance(value, Mapping) and isinstance(value.get("code"), str) and isinstance(value.get("message"), str)


def troubled(answer: Any) -> bool:
    """Whether an action's answer tells, at any depth, a finding of level error, or an error of one of several."""
    if isinstance(answer, Mapping):
        return is_error(answer.get("error")) or any(troubled(each) for each in answer.values())
    if isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        return any(each.level == "error" for each in findings_in(answer)) or any(troubled(each) for each in answer)
    return False
