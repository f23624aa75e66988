"""An engine that exports over a tgtd of its own, a simulated vCenter whose hosts really log in there, and the actions
between them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from isthmus.adapters.local.adapter import LocalAdapter
from isthmus.core.context import Context
from isthmus.core.engine.acceptance import accept
from isthmus.core.errors import Failed, IsthmusError
from isthmus.core.model.operation import Operation
from isthmus.core.model.page import Query
from isthmus.core.security.policy import authorise
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.records import OwnedRecords
from isthmus.plugin_manager.actions import Catalogue
from isthmus.plugin_manager.contract import Action, Call, Subject
from isthmus.plugins.vsphere.actions.declared import DECLARED
from isthmus.plugins.vsphere.actions.offered import Offered
from isthmus.plugins.vsphere.connection.sessions import UserSessions
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.registration.identity import KEY
from isthmus.plugins.vsphere.registration.offer import task_type
from isthmus.plugins.vsphere.vcenters.people import People, Place, Shown
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from tests.environment.engine import KEY as ROOT_KEY
from tests.environment.engine import NoExtensions
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.conftest import ANNA, SERVICE, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter
from tests.simulators.vcenter.objects.datastore import Datastore
from tests.simulators.vcenter.objects.host_system import HostSystem
from tests.simulators.vcenter.storage.lookup import storage_of

GIB = 1 << 30
EVERY = Query(limit=1000)
FULL = Role(
    "Storage provisioners",
    (
        "Isthmus.View", "Isthmus.Provision", "Host.Config.Storage", "Datastore.Delete", "Datastore.Browse",
        "Datastore.Rename", "Resource.AssignVMToPool", "Task.Create", "Task.Update",
        "VirtualMachine.Inventory.Register", "VirtualMachine.Inventory.Unregister",
        "VirtualMachine.State.CreateSnapshot", "VirtualMachine.State.RemoveSnapshot",
        "VirtualMachine.State.RevertToSnapshot",
        "Datastore.AllocateSpace", "VirtualMachine.Config.RawDevice", "VirtualMachine.Config.AddNewDisk",
        "VirtualMachine.Config.AddRemoveDevice", "VirtualMachine.Config.RemoveDisk",
    ),
)  # fmt: skip
FEW = Role("Storage wishers", ("Isthmus.View", "Isthmus.Provision", "Task.Create", "Task.Update"))


class Beat:
    """A duty's run that is always held."""

    name, epoch = "test", 1

    def held(self) -> bool:
        return True

    def wait(self, seconds: float) -> bool:
        return True

    def go_on(self) -> bool:
        return True

    def alive(self) -> None:
        """Nothing watches it."""


@dataclass
class ActionSite:
    """`person` is Anna, who came from the vCenter; `root` the administrator of Isthmus."""

    array: Array
    vc: VCenter
    offered: Offered
    catalogue: Catalogue
    records: OwnedRecords
    person: Context
    adapter: LocalAdapter
    sessions: UserSessions

    @property
    def root(self) -> Context:
        return self.array.root

    def subject(self, name: str) -> Subject:
        entity = self.vc.named(name)
        kind = entity.ref._wsdlName
        return Subject(kind, f"urn:vmomi:{kind}:{entity.moid}:{self.vc.guid}")

    def call(
        self, on: str, given: Mapping[str, Any] | None = None, context: Context | None = None, **more: Any
    ) -> Call:
        return Call(context or self.person, self.subject(on), given or {}, **more)

    def begin(self, action: str, on: str, context: Context | None = None, **given: Any) -> Operation:
        found = self.catalogue.invoke("vsphere", action, self.call(on, given, context))
        assert isinstance(found, Operation)
        return found

    def ended(self, operation: Operation, seconds: float = 60.0) -> Operation:
        """The operation when it is live no more, told to its task."""
        until = time.monotonic() + seconds
        while True:
            self.offered.mirror.look(Beat())
            found = self.array.engine.parts.journal.wait(operation.id, 0.3)
            if not found.state.live:
                self.offered.mirror.look(Beat())
                return found
            assert time.monotonic() < until, (
                f"{found.kind} is {found.state} at {found.step}: {found.note} {found.error}"
            )

    def act(self, action: str, on: str, context: Context | None = None, **given: Any) -> Operation:
        """Use an action and wait for its end."""
        return self.ended(self.begin(action, on, context, **given))

    def done(self, action: str, on: str, **given: Any) -> Mapping[str, Any]:
        """The result of an action that ends well."""
        found = self.act(action, on, **given)
        assert found.state == "done", found.error
        return found.result

    @contextmanager
    def changed(self, kind: str, step: str, around: Callable[[Any], Any]) -> Iterator[None]:
        """Let a step of a flow do what `around` makes of its work."""
        flows = self.array.engine.parts.flows._flows
        flow = flows[kind, 1]
        steps = tuple(replace(each, do=around(each.do)) if each.name == step else each for each in flow.steps)
        flows[kind, 1] = replace(flow, steps=steps)
        try:
            yield
        finally:
            flows[kind, 1] = flow

    @contextmanager
    def meanwhile(self, kind: str, step: str, then: Callable[[Any], None]) -> Iterator[None]:
        """Let something happen once, with its run, before a step does anything."""
        left = [then]

        def around(work: Any) -> Any:
            def after_that(run: Any) -> Any:
                if left:
                    left.pop()(run)
                return work(run)

            return after_that

        with self.changed(kind, step, around):
            yield

    @contextmanager
    def failing(self, kind: str, step: str, *, after: bool = True, times: int = 1) -> Iterator[None]:
        """Let a step fail once it has done its work, or before it does any."""
        left = [times]

        def around(work: Any) -> Any:
            def broken(run: Any) -> Any:
                if not after and left[0]:
                    left[0] -= 1
                    raise Failed("The step was told to fail.")
                outcome = work(run)
                if after and outcome is None and left[0]:
                    left[0] -= 1
                    raise Failed("The step was told to fail.")
                return outcome

            return broken

        with self.changed(kind, step, around):
            yield

    def operation(self, operation: Operation) -> Operation:
        """As it is now."""
        return self.array.engine.operations.get(self.root, operation.id)

    def volume(self, operation: Operation) -> str:
        """The id of the volume that an operation made."""
        return str(self.operation(operation).result["volume"])

    def tasks(self, operation: Operation) -> list[Any]:
        """The tasks in the vCenter of this kind of operation with the operation's request id, as TaskInfo."""
        kind = task_type(operation.kind.partition(".")[2])
        infos = [self.vc.model.of(ref).get("info") for ref in self.vc.tasks.get("recentTask") or []]
        return [each for each in infos if (each.activationId, each.descriptionId) == (operation.request_id, kind)]

    def task(self, operation: Operation) -> Any:
        """The one of them that there is to be."""
        (found,) = self.tasks(operation)
        return found

    def footprint(self) -> Mapping[str, Any]:
        """What host, vCenter and engine have: equal before and after something that was undone."""
        engine = self.array.engine
        hosts = {}
        for host in self.hosts():
            storage = storage_of(host)
            hosts[host.name] = (
                sorted(f"{each.name}@{each.portal.text}" for each in storage.adapter.statics),
                sorted(storage.disks),
                sorted(storage.volumes.known),
                sorted(ref._moId for ref in host.get("datastore") or []),
            )
        return {
            "volumes": sorted(each.id for each in engine.volumes.list(self.root, EVERY).items),
            "attachments": sorted(each.id for each in engine.attachments.list(self.root, EVERY).items),
            "hosts": sorted(each.id for each in engine.hosts.list(self.root, EVERY).items),
            "snapshots": sorted(each.id for each in engine.snapshots.list(self.root, EVERY).items),
            "esx": hosts,
            "datastores": sorted(each.name for each in datastores(self.vc)),
        }  # fmt: skip

    def hosts(self) -> list[Any]:
        return self.vc.model.every(HostSystem)


def datastores(vc: VCenter) -> list[Any]:
    return vc.model.every(Datastore)


def message(operation: Operation) -> str:
    """Why it failed."""
    return str((operation.error or {})["message"])


def cure(operation: Operation) -> str:
    """What to do about it."""
    return str((operation.error or {})["next_step"])


@contextmanager
def action_site(array: Array, *, role: Role = FULL, service: bool = True) -> Iterator[ActionSite]:
    """A new vCenter with two hosts beside the array; Anna has the role there."""
    anna = User(ANNA.name, ANNA.password, (Grant(role.name),))
    spec = specification(roles=tuple(dict.fromkeys((FULL, FEW, role))))
    users = (*(user for user in spec.users if user.name != ANNA.name), anna)
    with VCenter(type(spec)(**{**{n: getattr(spec, n) for n in spec.__slots__}, "users": users})) as vc:
        tasks = [vim.Extension.TaskTypeInfo(taskID=task_type(each)) for each in (found.id for found in DECLARED)]
        vc.extensions.set("extensionList", [vim.Extension(key=KEY, version="1", taskList=tasks)])
        engine, root = array.engine, array.root
        records = OwnedRecords(engine.parts.database, f"plugin:vsphere-{vc.guid[:8]}", Sealer([ROOT_KEY]))
        vcenters = VCenters(records)
        trust = Trust(certificate=vc.certificate.pem)
        vcenters.put(
            Known(vc.guid, "127.0.0.1", vc.port, trust, str(root.tenant), SERVICE.name if service else ""),
            password=SERVICE.password,
        )
        reaches, sessions = Reaches(vcenters), UserSessions()
        adapter = LocalAdapter(engine, NoExtensions())

        def submit(
            kind: str,
            context: Context,
            *,
            resource_type: str,
            resource: str | None = None,
            data: Any = None,
            key: str | None = None,
            dry_run: bool = False,
        ) -> Operation:
            notes = dict(data or {})
            return accept(
                engine.parts, context, kind, resource_type, resource or "", lambda: {"data": notes},
                lambda tx, _: notes, key=key, tenant=context.tenant,
            )  # fmt: skip

        offered = Offered(reaches, sessions, records, submit, lambda: {"local": adapter})
        for flow in (each.flow(lambda: offered) for each in DECLARED if each.steps):
            engine.parts.flows._flows[flow.kind, flow.version] = flow
        catalogue = Catalogue(lambda context, permission: authorise(context, permission, context.tenant))
        for action in (each.action(lambda: offered) for each in DECLARED):
            assert isinstance(action, Action)
            catalogue.add("vsphere", action, submit)
        people = People(reaches, sessions, lambda tenant: True)
        token = vc.interface_sessions.open(anna.name, anna.password, KEY)
        person = people.find(Shown(token, vc.url), Place(vc.guid)).context
        try:
            yield ActionSite(array, vc, offered, catalogue, records, person, adapter, sessions)
        finally:
            sessions.close()
            reaches.close()


@contextmanager
def refused(kind: type[IsthmusError], words: str) -> Iterator[None]:
    """What is done within is refused, with a cause and a cure that say `words` (a pattern)."""
    with pytest.raises(kind) as caught:
        yield
    assert re.search(words, f"{caught.value.message} {caught.value.next_step}")
