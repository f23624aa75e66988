"""What the steps of all flows share: the vCenter, the storage system, and waiting for what these do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from ....adapters.contract import Adapter, Storage
from ....core.errors import Failed, IsthmusError, Refused, Transient, Unavailable
from ....core.journal.step import Cancelled, Run, Wait
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.objects import ObjectId
from ..connection.errors import SessionEnded
from ..connection.sealed_sessions import SealedSessions
from ..connection.soap import Connection, Who
from ..connection.vmodl import vim
from ..hosts.esx import Esx, hosts_at
from ..reasons import because
from ..vcenters.reach import Reaches

PATIENCE_SECONDS = 300.0
"""How long a host may take for one call: a scan with dead paths takes minutes."""
_LOOK_SECONDS = 20.0


_deciding: ContextVar[bool] = ContextVar("deciding", default=False)


class Stage:
    """One for the process; a step takes what it needs from here, each time anew. `settings` are the
    plugin's."""

    def __init__(
        self,
        reaches: Reaches,
        sealed: SealedSessions,
        systems: Callable[[], Mapping[str, Adapter]],
        settings: Mapping[str, Any],
    ) -> None:
        self.reaches, self._sealed, self._systems, self.settings = reaches, sealed, systems, settings

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Within, a vCenter is seen as whoever asked sees it, or not at all: what is meant is found out in no other's
        name. Past that the right to act was decided."""
        token = _deciding.set(True)
        try:
            yield
        finally:
            _deciding.reset(token)

    @contextmanager
    def vcenter(self, run: Run) -> Iterator[Connection]:
        """The vCenter, as whoever asked while the session lives, then as the service account."""
        connection = self._connection(run)
        try:
            yield connection
        except SessionEnded as error:
            raise Transient(error.message) from None
        finally:
            connection.close()

    def storage(self, run: Run, system: str | None = None) -> Storage:
        """A system on behalf of who asked; raises `Unavailable` when it is not there now."""
        return self._adapter(system or str(run.data["system"])).storage(run.context)

    def steward(self, run: Run) -> Storage:
        """The same for what the plug-in knows and its users need not: which hosts a vCenter has."""
        context = replace(run.context, roles=frozenset({"manager"}))
        return self._adapter(str(run.data["system"])).storage(context)

    def systems(self) -> Mapping[str, Adapter]:
        return self._systems()

    def ended(self, run: Run, storage: Storage, child: Operation) -> Wait | Operation:
        """The operation when it is done. `Wait` for one under way here; one of another system is awaited. Raises its
        error when it failed."""
        while child.state.live:
            if run.data["system"] == LOCAL_SYSTEM:
                return Wait(child.id)
            if run.cancelled():
                storage.operations.cancel(child.id)
                raise Cancelled()
            run.progress(run.operation.progress, run.operation.note)
            child = storage.operations.wait(child.id, _LOOK_SECONDS)
        if child.state is not OperationState.DONE:
            raise IsthmusError.from_json(dict(child.error)) if child.error else Failed(f"{child.kind} failed.")
        return child

    def all_ended(self, run: Run, storage: Storage, children: Sequence[Operation]) -> Wait | None:
        """As `ended`, for several that go on at once."""
        for child in children:
            found = self.ended(run, storage, child)
            if isinstance(found, Wait):
                return found
        return None

    def hosts(self, run: Run, connection: Connection, *, gone_ok: bool = False) -> list[Esx]:
        """Those that `run.data["hosts"]` names, in that order; raises when one is gone, unless that is no matter: with
        a host that left the inventory nothing is to be cleaned or finished."""
        refs = [connection.reference("HostSystem", moid) for moid in run.data["hosts"]]
        found = hosts_at(connection, refs)
        if len(found) != len(refs) and not gone_ok:
            raise because(Failed, "host-gone")
        return found

    def visit(self, run: Run, connection: Connection, *, gone_ok: bool = False) -> Iterator[Esx]:
        """The same, one after the other (see `visited`)."""
        return visited(run, self.hosts(run, connection, gone_ok=gone_ok))

    def subject(self, run: Run, connection: Connection) -> Any:
        """The object that the action is done to."""
        target = ObjectId.parse(run.data["subject"]["id"])
        return connection.reference(target.kind, target.moid)

    def _adapter(self, system: str) -> Adapter:
        try:
            return self._systems()[system]
        except KeyError:
            raise because(Unavailable, "system-missing", system=system) from None

    def _connection(self, run: Run) -> Connection:
        """One of its own, so that what a host takes its time for holds nobody else up."""
        reach = self.reaches.get(run.data["vcenter"])
        if run.data.get("session"):
            try:
                kept, _ = self._sealed.resume(run.data["session"], reach.vcenter.endpoint)
                return _patient(kept)
            except SessionEnded:
                if _deciding.get():
                    raise because(Refused, "no-session", vcenter=reach.vcenter.name) from None

        def renewed(connection: Connection, who: Who) -> Connection:
            connection.who()  # one that has ended shows it here, and is replaced
            return _patient(connection)

        return reach.account.use(renewed)


def visited(run: Run, hosts: Iterable[Esx]) -> Iterator[Esx]:
    """The hosts; with each the operation says where it is, so that its step has as much time again."""
    for host in hosts:
        run.progress(run.operation.progress, host.name)
        yield host


def each_host(hosts: Iterable[Esx], work: Callable[[Esx], None]) -> None:
    """Do it on every host that can be reached; the first error is raised at the end."""
    errors = []
    for host in hosts:
        try:
            host.demand_connected()
            work(host)
        except IsthmusError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def hosts_of(connection: Connection, subject: Any, chosen: Sequence[str]) -> list[Esx]:
    """The hosts of a host or a cluster; of those only the chosen, by name or id."""
    if isinstance(subject, vim.HostSystem):
        refs = [subject]
    else:
        refs = list(connection.read(subject, "host").get("host") or [])
    found = hosts_at(connection, refs)
    return [each for each in found if each.name in chosen or each.moid in chosen] if chosen else found


def everything(listed: Callable[[Query], Any], **filters: Any) -> Iterator[Any]:
    """All things of a list, whatever its pages."""
    cursor: str | None = None
    while True:
        page = listed(Query(filters=filters, limit=500, cursor=cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _patient(connection: Connection) -> Connection:
    return Connection(connection.endpoint, connection.version, seconds=PATIENCE_SECONDS, cookie=connection.cookie)
