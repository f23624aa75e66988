"""The flows that this process has loaded."""

from __future__ import annotations

from collections.abc import Iterable

from .step import Flow


class Flows:
    """Flows by kind and version. A release keeps its predecessor's versions so that they run to their end."""

    def __init__(self, flows: Iterable[Flow] = ()) -> None:
        self._flows: dict[tuple[str, int], Flow] = {}
        for flow in flows:
            self.register(flow)

    def register(self, flow: Flow) -> None:
        """Load a flow; raises ValueError when another one has the same kind and version. Idempotent."""
        known = self._flows.setdefault((flow.kind, flow.version), flow)
        if known is not flow and known != flow:
            raise ValueError(f"flow {flow.kind} version {flow.version} is registered already")

    def find(self, kind: str, version: int) -> Flow | None:
        """The flow, or None when this process cannot run it."""
        return self._flows.get((kind, version))

    def newest(self, kind: str) -> Flow:
        """The flow that new operations of this kind get; raises KeyError."""
        versions = [version for name, version in self._flows if name == kind]
        if not versions:
            raise KeyError(kind)
        return self._flows[(kind, max(versions))]

    @property
    def loaded(self) -> frozenset[tuple[str, int]]:
        """All kinds and versions."""
        return frozenset(self._flows)

    @property
    def kinds(self) -> frozenset[str]:
        """All kinds."""
        return frozenset(kind for kind, _ in self._flows)
