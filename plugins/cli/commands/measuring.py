"""What `isthmus volume metrics` and `isthmus pool metrics` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ....core.model.codec import to_json
from ....core.model.measurement import Measurement
from ..command import answer
from ..document import details
from ..output import Column, show_json, table
from ..session import Session
from ..sizes import human_size, human_time


def _size(value: int | None) -> str:
    return "-" if value is None else human_size(value)


_COUNTERS: Sequence[Column] = (
    ("READS", "read_operations"), ("READ", "read_bytes", _size),
    ("WRITES", "written_operations"), ("WRITTEN", "written_bytes", _size), ("SERIES", "series"),
)  # fmt: skip
_COLUMNS: dict[str, Sequence[Column]] = {
    "volume": (("AT", "at", human_time), ("ALLOCATED", "allocated_bytes", _size), *_COUNTERS),
    "pool": (
        ("AT", "at", human_time), ("TOTAL", "total_bytes", _size), ("USED", "used_bytes", _size),
        ("OURS", "allocated_bytes", _size), ("PROMISED", "provisioned_bytes", _size),
    ),
}  # fmt: skip


def show_metrics(session: Session, kind: str, resource: str, *, history: bool) -> None:
    """What is measured now, or the last samples with their newest last."""
    metrics = session.storage.metrics
    if not history:
        measure = metrics.volume if kind == "volume" else metrics.pool
        answer(session, measure(resource), _show)
        return
    found = metrics.history(kind, resource)
    if session.as_json:
        show_json(found)
        return
    kept = "an hour of attached volumes" if kind == "volume" else "a day of pools"
    table(_COLUMNS[kind], found, f"Nothing was sampled yet; the server keeps {kept}.")


def _show(found: Measurement) -> None:
    details({name: _said(name, value) for name, value in to_json(found).items()}, leave_out=("resource_type",))
    if found.resource_type == "volume" and found.series is None:
        # Otherwise it looks as if somebody forgot them.
        click.echo("What hosts read and wrote is not counted: no host has it, or its target counts nothing.")


def _said(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in ("at", "since"):
        return human_time(value)
    if name.endswith("_bytes"):
        return human_size(value) + (f" ({value} bytes)" if value >= 1024 else "")
    return value
