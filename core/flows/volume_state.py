"""What the flows of one volume have in common: where they run, and the volume's state when they end."""

from __future__ import annotations

from typing import Any

from ..journal.step import Run
from ..model.volume import Volume, VolumeState
from ..store import nouns


def node_of(run: Run) -> str | None:
    """The node that reaches the back end."""
    node = run.data.get("node")
    return None if node is None else str(node)


def in_error(run: Run, tx: Any) -> None:
    """Leave the volume in error, naming the operation; only retry, abandon or delete go on from there."""
    nouns.volumes.change(tx, run.data["volume"], state=VolumeState.ERROR.value, operation=run.operation.id)


def available_again(run: Run, tx: Any, **values: Any) -> Volume:
    """The volume is available (with new values) and no operation holds it."""
    nouns.volumes.change(tx, run.data["volume"], state=VolumeState.AVAILABLE.value, operation=None, **values)
    return nouns.volumes.get(tx, run.data["volume"])
