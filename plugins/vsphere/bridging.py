"""The vSphere Client's side of the plug-in: who the browser's requests come from, what they may do, what they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...adapters.contract import Adapter
from ...core.context import Context
from ...core.errors import IsthmusError
from ...plugin_manager.contract import LOCAL_SYSTEM
from ...ui_bridge.api.course import Course
from ...ui_bridge.block import Block
from ...ui_bridge.objects import ObjectId
from ...ui_bridge.platform import Admission, Operations, Sender, Whereabouts
from .actions.declared import DECLARED
from .actions.told import told
from .vcenters.people import People, Place, Shown
from .vcenters.privileges import MANAGE, PROVISION

Content = Callable[[str, Context, ObjectId, str], Sequence[Block]]
"""What a view shows to a context, at an object or a vCenter, in a locale's language."""

_NEEDED = {"cancel": PROVISION, "retry": PROVISION, "abandon": MANAGE}
_ROLES = {PROVISION: frozenset({"member", "manager", "admin"}), MANAGE: frozenset({"manager", "admin"})}
# As the core's table of permissions has it, which decides; here it says what a page offers.


class VsphereClient:
    """`Platform` for ui_bridge. `systems` are the storage systems, of which the local one runs our operations."""

    def __init__(
        self, plugin: str, version: str, people: People, systems: Callable[[], Mapping[str, Adapter]], content: Content
    ) -> None:
        self.plugin = plugin
        self.version = version
        self._people, self._systems, self._content = people, systems, content
        self._courses = {each.id: Course(each.described()["steps"], each.pivot) for each in DECLARED if each.steps}

    def admit(self, sender: Sender, target: ObjectId, privileges: Sequence[str], request_id: str) -> Admission:
        person = self._people.find(_shown(sender), _place(target), wanted=privileges, request_id=request_id or None)
        return Admission(person.context, frozenset(privileges) - person.privileges)

    def identify(self, sender: Sender, guid: str, request_id: str) -> Context:
        return self._people.identify(_shown(sender), guid, request_id=request_id or None)

    def place(self, sender: Sender, target: ObjectId, admission: Admission) -> Whereabouts:
        person = self._people.find(_shown(sender), _place(target), request_id=admission.context.request_id)
        name = self._people.name(person, _place(target)) if target.kind else ""
        return Whereabouts(name, person.vcenter.name, self._tenant(person.context))

    def told(self, error: IsthmusError, locale: str) -> tuple[str, str] | None:
        return told(error, locale)

    def course(self, action: str) -> Course:
        return self._courses.get(action) or Course(())

    def operations(self, context: Context) -> Operations:
        return self._systems()[LOCAL_SYSTEM].storage(context).operations

    def lacking(self, context: Context, verb: str) -> str | None:
        needed = _NEEDED[verb]
        return None if context.roles & _ROLES[needed] else needed

    def names(self, context: Context, document: Mapping[str, Any]) -> Mapping[str, str]:
        """Of the pool and the system that a plan is about."""
        adapter = self._systems().get(str(document.get("system")))
        found: dict[str, str] = {}
        for part in document.values():
            pool = part.get("pool") if isinstance(part, Mapping) else None
            if adapter is not None and isinstance(pool, str):
                try:
                    found[pool] = adapter.storage(context).pools.get(pool).name
                except IsthmusError:
                    continue  # the id says it too, if less well
        return found

    def content(self, view: str, admission: Admission, target: ObjectId, locale: str) -> Sequence[Block]:
        return self._content(view, admission.context, target, locale)

    def _tenant(self, context: Context) -> str:
        tenant = str(context.tenant)
        try:
            return str(self._systems()[LOCAL_SYSTEM].administration(context).tenants.get(tenant).name)
        except IsthmusError:
            return tenant


def _shown(sender: Sender) -> Shown:
    return Shown(sender.token, sender.gateway, sender.address)


def _place(target: ObjectId) -> Place:
    return Place(target.guid, target.kind, target.moid)
