"""OptionManager: the vCenter's settings by name."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..managed import Managed
from ..registry import named_fault, vim
from ..wire.call import Call

if TYPE_CHECKING:
    from ..vcenter import VCenter


class OptionManager(Managed):
    """`setting` holds them; unknown names are made by UpdateOptions."""

    KIND = vim.option.OptionManager
    PRIVILEGES: ClassVar = {"UpdateOptions": "Global.Settings"}

    def __init__(self, vc: VCenter, moid: str) -> None:
        super().__init__(vc, moid)
        initial = {"VirtualCenter.InstanceName": vc.spec.name, "VirtualCenter.FQDN": vc.spec.name}
        self.set("setting", [vim.option.OptionValue(key=key, value=value) for key, value in initial.items()])

    def QueryOptions(self, call: Call, name: str | None) -> list[Any]:
        found = [each for each in self.get("setting") or [] if _named(each.key, name)]
        if not found:
            raise named_fault(vim.fault.InvalidName(name=name), f"There is no setting {name}")
        return found

    def UpdateOptions(self, call: Call, changed: list[Any]) -> None:
        with self.vc.model.change():
            merged = {each.key: each for each in [*(self.get("setting") or []), *changed]}
            self.set("setting", list(merged.values()))


def _named(key: str, wanted: str | None) -> bool:
    """A name that ends with a dot stands for all that begin so."""
    return not wanted or key == wanted or (wanted.endswith(".") and key.startswith(wanted))
