"""ViewManager, and the views of a session."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ..managed import Managed
from ..registry import vim
from ..wire.call import Call
from .container_view import ContainerView
from .list_view import ListView

if TYPE_CHECKING:
    from ..sessions import Session


class ViewManager(Managed):
    """Makes views; each ends with the session that made it."""

    KIND = vim.view.ViewManager

    def CreateContainerView(self, call: Call, container: Any, kinds: list[Any], recursive: bool) -> Any:
        entity = self.vc.entity(container)
        view = ContainerView(self.vc, _identity(call.who), call.who, entity, kinds or [], recursive)
        return self._keep(view, call.who)

    def CreateListView(self, call: Call, objects: list[Any]) -> Any:
        return self._keep(ListView(self.vc, _identity(call.who), call.who, objects or []), call.who)

    def _keep(self, view: Managed, session: Session) -> Any:
        with self.vc.model.change():
            session.objects[view.moid] = view
        return view.ref


def _identity(session: Session) -> str:
    return f"session[{session.key}]{uuid.uuid4()}"
