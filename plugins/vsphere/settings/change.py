"""A setting that is put right, with what it was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ....core.errors import Refused
from ..connection.faults import text_of
from ..connection.vmodl import vim, vmodl
from ..reasons import because
from .findings import Difference
from .host_state import HostState
from .kinds import KINDS
from .rule import Value


@dataclass(frozen=True, slots=True)
class Change:
    """One setting of one host, by the host's id there. `device` as in `Difference`."""

    host: str
    rule: str
    kind: str
    name: str
    device: str
    before: Value
    target: Value
    reboot: bool

    @classmethod
    def of(cls, found: Difference) -> Change | None:
        """What would mend a difference; None where only a person can tell."""
        if found.target is None:
            return None
        return cls(
            found.host.moid,
            found.rule.id,
            found.rule.kind,
            found.rule.name,
            found.device,
            found.found,
            found.target,
            found.rule.reboot,
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Change:
        return cls(**{**document, "before": _value(document["before"]), "target": _value(document["target"])})

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "rule": self.rule,
            "kind": self.kind,
            "name": self.name,
            "device": self.device,
            "before": list(self.before) if isinstance(self.before, tuple) else self.before,
            "target": list(self.target) if isinstance(self.target, tuple) else self.target,
            "reboot": self.reboot,
        }

    def now(self, state: HostState) -> Value | None:
        """The setting as it is; None when it is gone."""
        return KINDS[self.kind].found(state, self.name, frozenset({self.device})).get(self.device)

    def make(self, state: HostState) -> None:
        """Give it the value that is wanted; nothing when it has it."""
        self._write(state, self.target)

    def take_back(self, state: HostState) -> None:
        """Give it the value that it had; nothing when it has it, or when what it belonged to is gone."""
        if self.now(state) is not None:
            self._write(state, self.before)

    def _write(self, state: HostState, value: Value) -> None:
        if self.now(state) != value:
            with self._at(state):
                KINDS[self.kind].write(state, self.name, self.device, value)

    @contextmanager
    def _at(self, state: HostState) -> Iterator[None]:
        host = state.esx
        with host.at():
            try:
                yield
            except (vmodl.fault.InvalidArgument, vim.fault.InvalidName, vim.fault.HostConfigFault) as fault:
                raise because(
                    Refused, "setting-refused", host=host.name, setting=self.name, said=text_of(fault)
                ) from None


def _value(given: Any) -> Value:
    return tuple(given) if isinstance(given, list) else given
