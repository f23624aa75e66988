"""The plugin: what it mounts, what can be done with it, and what it does by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.context import Context
from ...core.duties.duty import Duty, DutyRun
from ...core.errors import IsthmusError
from ...core.journal.step import Flow
from ...core.model.description import Finding
from ...plugin_manager.action import Action
from ...plugin_manager.base import Base
from ...plugin_manager.contract import LOCAL_SYSTEM, Application
from .actions.declaration import duty as tasks
from .actions.declared import DECLARED
from .connection.sessions import UserSessions
from .inventory.watch import Watches
from .policies.setting import PROFILE_POLICIES
from .policies.setting import SCHEMA as POLICIES_SETTING
from .registration.declaration import registration_actions
from .settings.setting import HOST_RULES
from .systems.adapters import Form, kinds
from .systems.declared import system_actions
from .vcenters.reach import Reaches
from .vcenters.store import VCenters
from .vcenters.tenancy import Tenancy

if TYPE_CHECKING:
    from ...ui_bridge.block import Block
    from ...ui_bridge.locale import Texts
    from ...ui_bridge.objects import ObjectId
    from .actions.offered import Offered
    from .events.herald import Herald
    from .registration.registrar import Registrar
    from .systems.storage_systems import StorageSystems
    from .views.views import Views

# It takes long to import, so that is left until it is needed; but whether it is there is to be known at once.
if find_spec("pyVmomi") is None:
    raise ModuleNotFoundError("No module named 'pyVmomi'", name="pyVmomi")


def _percent(default: int, description: str) -> Mapping[str, Any]:
    return {"type": "number", "minimum": 1, "maximum": 100_000, "default": default, "description": description}


class VspherePlugin(Base):
    """The vSphere Client plug-in under `/vsphere`, and the actions behind it."""

    name: ClassVar[str] = "vsphere"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "address": {
                "type": "string",
                "pattern": "^(https://[^/]+)?$",
                "default": "",
                "description": "How vCenters reach this server (https://host:port); empty: as all clients do.",
            },
            "contact": {
                "type": "string",
                "minLength": 3,
                "default": "root@localhost",
                "description": "The e-mail address that vCenters show as the plug-in's contact.",
            },
            "pool_filling": _percent(80, "From here on a pool is told to fill up, in percent of its size."),
            "pool_full": _percent(95, "From here on a pool is told to be full, in percent of its size."),
            "pool_promised": _percent(300, "How much of its size, in percent, a pool may promise untold."),
            "host_rules": HOST_RULES,
            PROFILE_POLICIES: POLICIES_SETTING,
        },
    }

    _needed = False

    @cached_property
    def reaches(self) -> Reaches:
        return Reaches(VCenters(self.setup.records))

    @cached_property
    def sessions(self) -> UserSessions:
        return UserSessions()

    @cached_property
    def watches(self) -> Watches:
        return Watches(self.reaches)

    @cached_property
    def texts(self) -> Texts:
        from ...ui_bridge.locale import Texts

        return Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")

    @cached_property
    def offered(self) -> Offered:
        from .actions.offered import Offered

        setup = self.setup
        return Offered(self.reaches, self.sessions, setup.records, setup.submit, lambda: setup.systems, setup.settings)

    @cached_property
    def form(self) -> Form:
        """What the installed adapters are configured with."""
        return Form(kinds(self.setup.server.extensions()))

    @cached_property
    def storage_systems(self) -> StorageSystems:
        from .systems.datastores import Datastores
        from .systems.storage_systems import StorageSystems
        from .views.asking import Asking

        datastores = Datastores(self.reaches, self.watches, Asking(lambda: self.setup.systems))
        return StorageSystems(lambda: self.setup.systems[LOCAL_SYSTEM], self.form, datastores.on)

    @cached_property
    def views(self) -> Views:
        from .views.views import Views

        rules = self.setup.settings["host_rules"]
        setup = self.setup
        return Views(self.offered.desk, self.watches, lambda: setup.systems, setup.records, host_rules=rules)

    @property
    def address(self) -> str:
        """The public address of this server, as vCenters are told it."""
        return str(self.setup.settings["address"] or self.setup.server.address)

    @cached_property
    def registrar(self) -> Registrar:
        from .connection.sealed_sessions import SealedSessions
        from .registration.offer import Offer
        from .registration.our_server import OurServer
        from .registration.registrar import Registrar
        from .registration.under_way import UnderWay

        return Registrar(
            self.reaches,
            OurServer(self.address, self.setup.server.vouches),
            Offer(self.actions(), self.texts),
            self.setup.server.version,
            str(self.setup.settings["contact"]),
            self._tenant,
            self._forgotten,
            UnderWay(lambda: self.setup.systems[LOCAL_SYSTEM], SealedSessions(self.setup.records)),
            self._drift,
        )

    @cached_property
    def herald(self) -> Herald:
        from .events.condition import Bounds
        from .events.herald import Herald

        given = self.setup.settings
        bounds = Bounds(*(float(given[name]) for name in ("pool_filling", "pool_full", "pool_promised")))
        return Herald(self.reaches, self.watches, self.setup.records, lambda: self.setup.systems, self.texts, bounds)

    def prefixes(self) -> Sequence[str]:
        return ("/vsphere",)

    def wsgi(self) -> Application:
        from ...ui_bridge.api.application import Api
        from ...ui_bridge.application import Bridge
        from ...ui_bridge.dynamic import DynamicItems
        from ...ui_bridge.manifest import Surface
        from .bridging import VsphereClient
        from .inventory.glance import Glances, GlancingActions
        from .registration.identity import UI, version_of
        from .vcenters.people import People
        from .views.declared import VIEWS

        people = People(self.reaches, self.sessions, Tenancy(lambda: self.setup.systems[LOCAL_SYSTEM]).open)
        version = version_of(self.setup.server.version)
        client = VsphereClient(self.name, version, people, lambda: self.setup.systems, self._content)
        systems = system_actions(self.form, lambda: self.storage_systems)
        offered = [*systems, *(action for action in self.actions() if action.kinds)]
        surface, actions = Surface(self.name, offered, VIEWS, self.texts), self.setup.actions
        menus = DynamicItems(client, GlancingActions(actions, Glances(self.watches)), surface)
        return Bridge(UI, client, menus, surface, Api(UI, client, actions, surface, menus, self.setup.server.places))

    def actions(self) -> Sequence[Action]:
        return (
            *registration_actions(lambda: self.registrar, self._silent),
            *system_actions(self.form, lambda: self.storage_systems),
            *(each.action(lambda: self.offered) for each in DECLARED),
        )

    def flows(self) -> Sequence[Flow]:
        return tuple(each.flow(lambda: self.offered) for each in DECLARED if each.steps)

    def duties(self) -> Sequence[Duty]:
        from .events.duty import duty as events
        from .policies.duty import duty as profiles
        from .registration.rotation import duty

        found = [duty(lambda: self.registrar), tasks(lambda: self.offered), events(lambda: self.herald)]
        if self.setup.settings[PROFILE_POLICIES]:
            found.append(profiles(lambda: self.reaches, lambda: self.setup.systems))
        return tuple(replace(each, run=self._where_needed(each.run)) for each in found)

    def ready(self) -> Sequence[Finding]:
        # A dead vCenter is none of the other vCenters' business, so it does not make the server unready.
        return tuple(
            Finding(f"vsphere {name}", "warning", reason, "isthmus vsphere doctor")
            for name, reason in self._silent().items()
        )

    def close(self) -> None:
        self.watches.close()
        self.sessions.close()
        self.reaches.close()

    def _silent(self) -> Mapping[str, str]:
        """Why vCenters do not answer, by their names, as far as this process knows."""
        lines = {line.name: line.condition().reason for line in self.reaches.lines()}
        return {**self.watches.interrupted(), **{name: reason for name, reason in lines.items() if reason}}

    def _content(self, view: str, context: Context, target: ObjectId, locale: str) -> Sequence[Block]:
        # What makes the pages is loaded with the first of them.
        return self.views.content(view, context, target, locale)

    def _where_needed(self, run: Callable[[DutyRun], None]) -> Callable[[DutyRun], None]:
        """An installation without a vCenter does not even load what looks after one."""

        def guarded(this: DutyRun) -> None:
            self._needed = self._needed or next(self.reaches.vcenters.all(), None) is not None
            if self._needed:
                run(this)

        return guarded

    def _forgotten(self, guid: str) -> None:
        self.watches.drop(guid)
        self.sessions.forget(guid)
        self.reaches.drop(guid)
        self.herald.forget(guid)

    def _drift(self, guid: str) -> Sequence[Finding]:
        from .events.drift import findings
        from .policies.drift import findings as of_policies

        found = tuple(findings(self.setup.records, guid))
        if self.setup.settings[PROFILE_POLICIES]:
            found = (*found, *of_policies(self.reaches, self.setup.systems, guid))
        return found

    def _tenant(self, context: Context, name: str) -> str:
        try:
            return self.setup.systems[LOCAL_SYSTEM].administration(context).tenants.get(name).id
        except IsthmusError as error:
            error.next_step = error.next_step or "List them: isthmus tenant list"
            raise
