"""The vSphere Client's side of the plug-in: who the browser's requests come from, and which pages there are."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.errors import IsthmusError
from ...ui_bridge.objects import ObjectId
from ...ui_bridge.platform import Admission, Sender
from ...ui_bridge.view import View
from .actions.reasons import said
from .vcenters.people import People, Place, Shown

VIEWS = (View("overview"),)


class VsphereClient:
    """`Platform` for ui_bridge."""

    def __init__(self, plugin: str, version: str, people: People) -> None:
        self.plugin = plugin
        self.version = version
        self._people = people

    def admit(self, sender: Sender, target: ObjectId, privileges: Sequence[str], request_id: str) -> Admission:
        person = self._people.find(
            Shown(sender.token, sender.gateway),
            Place(target.guid, target.kind, target.moid),
            wanted=privileges,
            request_id=request_id or None,
        )
        return Admission(person.context, frozenset(privileges) - person.privileges)

    def told(self, error: IsthmusError, locale: str) -> str:
        return said(error.to_json(), locale)
