"""The parameters of the software iSCSI adapter, as a host offers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..registry import named_fault, vim


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number between two others, or true or false (no bounds)."""

    initial: int | bool
    least: int = 0
    most: int = 0

    def demand(self, key: str, value: Any) -> None:
        """PlatformConfigFault for a value that it cannot have."""
        truth = isinstance(value, bool)
        if truth if isinstance(self.initial, bool) else not truth and self.least <= value <= self.most:
            return
        raise named_fault(vim.fault.PlatformConfigFault(text=key), f"The adapter does not take {value} for {key}")

    def described(self, key: str) -> Any:
        """As OptionDef."""
        kind = (
            vim.option.BoolOption(supported=True, defaultValue=self.initial)
            if isinstance(self.initial, bool)
            else vim.option.IntOption(min=self.least, max=self.most, defaultValue=self.initial)
        )
        return vim.option.OptionDef(key=key, label=key, summary=key, optionType=kind)


PARAMETERS = {
    "LoginTimeout": Parameter(5, 1, 60),
    "LogoutTimeout": Parameter(15, 1, 60),
    "RecoveryTimeout": Parameter(10, 1, 120),
    "NoopOutInterval": Parameter(15, 1, 60),
    "NoopOutTimeout": Parameter(10, 10, 30),
    "DelayedAck": Parameter(True),
}


def initial() -> dict[str, Any]:
    """Those of an adapter that was just enabled."""
    return {key: each.initial for key, each in PARAMETERS.items()}


def demand(options: list[Any]) -> None:
    """PlatformConfigFault when one of them is unknown or cannot have the value."""
    for each in options:
        if each.key not in PARAMETERS:
            raise named_fault(vim.fault.PlatformConfigFault(text=each.key), f"The adapter has no parameter {each.key}")
        PARAMETERS[each.key].demand(each.key, each.value)
