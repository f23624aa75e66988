"""ListView: the objects its session put into it."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed
from ..registry import vim
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter


class ListView(Managed):
    """Objects that are gone stay in it until they are taken out."""

    KIND = vim.view.ListView

    def __init__(self, vc: VCenter, moid: str, session: Session, objects: list[Any]) -> None:
        super().__init__(vc, moid)
        self._session = session
        self._take(objects, {})

    def _take(self, objects: list[Any], kept: dict[str, Any]) -> list[Any]:
        unknown = [ref for ref in objects if self.vc.visible(ref, self._session) is None]
        known = [ref for ref in objects if ref not in unknown]
        self.set("view", list({**kept, **{ref._moId: ref for ref in known}}.values()))
        return unknown

    def _kept(self) -> dict[str, Any]:
        return {ref._moId: ref for ref in self.get("view") or []}

    def ModifyListView(self, call: Call, add: list[Any], remove: list[Any]) -> list[Any]:
        with self.vc.model.change():
            kept = self._kept()
            unknown = [ref for ref in remove or [] if kept.pop(ref._moId, None) is None]
            return self._take(add or [], kept) + unknown

    def ResetListView(self, call: Call, objects: list[Any]) -> list[Any]:
        return self._take(objects or [], {})

    def DestroyView(self, call: Call) -> None:
        call.who.objects.pop(self.moid, None)
