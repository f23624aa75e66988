"""Tells each vCenter what matters to whoever looks after it: from the core's event feed, and from a survey of what the
storage systems and the inventory say.

Each vCenter has its own memory and its own thread, so one that is dead keeps nobody else waiting; what could not be
posted is posted when it is back. A notice is written down before it is posted, and looked for before it is posted a
second time.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.duties.duty import DutyRun
from ....core.errors import Gone, IsthmusError, NotFound
from ....core.model.event import Event
from ....core.model.record import Records
from ....plugin_manager.contract import LOCAL_SYSTEM
from ....ui_bridge.locale import Texts
from ..actions.outcome import outcome
from ..connection.faults import translated
from ..connection.soap import Connection, Who
from ..connection.vmodl import vim
from ..hosts.reading import read_all
from ..inventory.inventory import Inventory
from ..inventory.item import Reference
from ..inventory.watch import Watches
from ..vcenters.reach import Reach, Reaches
from ..vcenters.vcenter import VCenter
from .board import Board
from .condition import Bounds, State
from .kinds import ALARMS, FAILED, Kind
from .memory import Memory, Position, Posting, Raised, Told
from .notice import Notice
from .storage import SystemView, view
from .survey import Seen, Survey, entity, title

SURVEY_SECONDS = 60.0
HURRY_SECONDS = 5.0
"""The least time between two surveys when the feed says that something changed."""
_PATIENCE_SECONDS = 15.0
_POST_SECONDS = 60.0
_PIECE = 40
"""Events read at once: what they make fits into one record."""
_WAKING = ("volume.", "pool.", "backend.", "system.", "operation.", "attachment.", "host.")
_NOTHING = State({})
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Round:
    """What one vCenter's thread keeps from round to round."""

    survey: Survey
    thread: threading.Thread | None = None
    surveyed: float = 0.0
    woken: bool = True


class Herald:
    """`systems` are the enabled storage systems by name. One for the process; `look` is what the duty does."""

    def __init__(
        self,
        reaches: Reaches,
        watches: Watches,
        records: Records,
        systems: Callable[[], Mapping[str, Adapter]],
        texts: Texts,
        bounds: Bounds,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reaches, self._watches, self._records = reaches, watches, records
        self._systems, self._texts, self._bounds, self._clock = systems, texts, bounds, clock
        self._rounds: dict[str, _Round] = {}

    def look(self, run: DutyRun) -> None:
        """One round for each vCenter. One that takes long goes on by itself and is left out of the next rounds."""
        known = [each for each in self._reaches.vcenters.all() if each.service_user and each.registration is not None]
        self._rounds = {guid: each for guid, each in self._rounds.items() if guid in {one.guid for one in known}}
        begun = []
        for vcenter in known:
            this = self._rounds.setdefault(vcenter.guid, _Round(Survey(vcenter.guid, self._texts, self._bounds)))
            if this.thread is not None and this.thread.is_alive():
                continue
            this.thread = threading.Thread(
                target=self._try, args=(vcenter.guid, this, run), name=f"vcenter-events-{vcenter.name}", daemon=True
            )
            this.thread.start()
            begun.append(this.thread)
        until = self._clock() + _PATIENCE_SECONDS
        for thread in begun:
            while thread.is_alive() and self._clock() < until and run.go_on():
                thread.join(0.2)

    def tell(self, guid: str, held: Callable[[], bool] = lambda: True, *, survey: bool = True) -> None:
        """One vCenter, now; raises what goes wrong."""
        this = self._rounds.setdefault(guid, _Round(Survey(guid, self._texts, self._bounds)))
        self._round(guid, this, held, survey=survey)

    def forget(self, guid: str) -> None:
        """The vCenter is no longer served."""
        self._rounds.pop(guid, None)
        Memory(self._records, guid).forget()

    def _try(self, guid: str, this: _Round, run: DutyRun) -> None:
        try:
            self._round(guid, this, run.held)
        except IsthmusError as error:
            _log.info("vCenter %s is not told of events now: %s", guid, error)
        except Exception:
            _log.exception("vCenter %s is not told of events now", guid)

    def _round(self, guid: str, this: _Round, held: Callable[[], bool], *, survey: bool = False) -> None:
        reach = self._reaches.get(guid)
        memory = Memory(self._records, guid)
        self._feed(reach, memory, this, held)
        since = self._clock() - this.surveyed
        if survey or since >= SURVEY_SECONDS or (this.woken and since >= HURRY_SECONDS):
            self._survey(reach, memory, this, held)

    def _feed(self, reach: Reach, memory: Memory, this: _Round, held: Callable[[], bool]) -> None:
        events = self._systems()[LOCAL_SYSTEM].storage(_context(reach.vcenter)).events
        position = memory.position()
        if position is None:
            # What was before the vCenter was known is not told.
            position = memory.go_to(Position(events.newest()))
        if position.posting is not None:
            # What was about to be posted when a process died, or the vCenter.
            self._post(reach, position.posting, fresh=False)
            position = memory.go_to(replace(position, posting=None))
        while held():
            try:
                found = events.after(position.number, _PIECE)
            except Gone as error:
                oldest = int(error.details.get("oldest", position.number + 1))
                _log.warning(
                    "vCenter %s is not told of events before number %d: they are gone", reach.vcenter.name, oldest
                )
                position = memory.go_to(replace(position, number=oldest - 1))
                continue
            if not found:
                return
            this.woken = this.woken or any(each.kind.startswith(_WAKING) for each in found)
            last = max(each.number or 0 for each in found)
            notices = self._failures(reach, found)
            if notices:
                posting = Posting(notices, reach.as_service(self._moment))
                position = memory.go_to(replace(position, number=last, posting=posting))
                self._post(reach, posting, fresh=True)
                position = memory.go_to(replace(position, posting=None))
            else:
                position = memory.go_to(replace(position, number=last))

    def _failures(self, reach: Reach, events: Sequence[Event]) -> tuple[Notice, ...]:
        failed = [each for each in events if each.kind == FAILED.name]
        if not failed:
            return ()
        inventory = self._watches.inventory(reach.vcenter.guid)
        inventory.complete(_PATIENCE_SECONDS)
        storage = self._systems()[LOCAL_SYSTEM].storage(_context(reach.vcenter))
        told = Memory(self._records, reach.vcenter.guid).all()
        behind = {reference: Seen("", _NOTHING, each.behind) for reference, each in told.items()}
        system = SystemView(LOCAL_SYSTEM, storage, {}, {}, {}, (), ())
        survey = Survey(reach.vcenter.guid, self._texts, self._bounds)
        locale = reach.as_service(lambda connection, who: Board(connection, who, self._texts).locale())
        notices = []
        for each in failed:
            try:
                operation = storage.operations.get(each.resource)
            except IsthmusError:
                continue
            # A part of another operation is told with the whole.
            place = None if operation.parent else survey.place(operation, system, behind, inventory)
            if place is None:
                continue
            reference, name = place
            arguments = {
                "name": name or entity(inventory, reference)[1],
                "action": title(self._texts, operation.kind, locale),
                "operation": operation.id,
                "reason": outcome(replace(operation, error=each.body.get("error")), locale),
            }
            notices.append(Notice(each.id, FAILED, reference, arguments))
        return tuple(notices)

    def _survey(self, reach: Reach, memory: Memory, this: _Round, held: Callable[[], bool]) -> None:
        inventory = self._watches.inventory(reach.vcenter.guid)
        if not inventory.complete(_PATIENCE_SECONDS) or inventory.reason:
            return  # what is known of it may be old
        locale = reach.as_service(lambda connection, who: Board(connection, who, self._texts).locale())
        told = dict(memory.all())
        for reference, each in told.items():
            if each.posting is not None:
                self._post(reach, each.posting, fresh=False)
                told[reference] = memory.put(replace(each, posting=None))
        seen = this.survey.look(
            inventory,
            view(self._systems(), _context(reach.vcenter)),
            told,
            lambda: reach.as_service(_iscsi_names),
            locale,
        )
        this.surveyed, this.woken = self._clock(), False
        moment = None
        for reference in {**told, **seen}:
            if not held():
                this.woken = True
                return
            before = told.get(reference, Told(reference))
            if reference not in seen and reference.moid and _gone(inventory, reference):
                memory.put(Told(reference, version=before.version))
                continue
            now = seen.get(reference, Seen(entity(inventory, reference)[1], _NOTHING))
            notices, raised = changed(before, now)
            after = replace(before, raised=raised, behind=now.behind, hosts=now.hosts)
            if notices:
                moment = moment or reach.as_service(self._moment)
                posting = Posting(notices, moment)
                after = memory.put(replace(after, posting=posting))
                self._post(reach, posting, fresh=True)
                after = replace(after, posting=None)
            if notices or after != before:
                memory.put(after)

    def _moment(self, connection: Connection, who: Who) -> datetime:
        return Board(connection, who, self._texts).moment()

    def _post(self, reach: Reach, posting: Posting, *, fresh: bool) -> None:
        def work(connection: Connection, who: Who) -> None:
            board = Board(connection, who, self._texts)
            # A session that ends in the middle makes this run again.
            there = board.posted(posting.notices, posting.since) if tries or not fresh else frozenset()
            tries.append(1)
            board.post([each for each in posting.notices if each.id not in there])

        tries: list[int] = []
        reach.as_service(work, seconds=_POST_SECONDS)


def changed(before: Told, now: Seen) -> tuple[tuple[Notice, ...], Mapping[str, Raised]]:
    """What is to be told of an object, and what is told then."""
    notices: list[Notice] = []
    raised = dict(before.raised)

    def tell(kind: Kind, arguments: Mapping[str, str]) -> None:
        notices.append(Notice(str(uuid.uuid4()), kind, before.entity, arguments))

    for alarm in ALARMS:
        if alarm in now.state.unknown:
            continue
        condition, known = now.state.conditions.get(alarm), raised.get(alarm.name)
        if condition is None:
            if known is not None:
                del raised[alarm.name]
                tell(alarm.calm, {"name": now.name})
            continue
        if condition.several:
            for name, arguments in condition.several.items():
                if known is None or name not in known.facts:
                    tell(condition.kind, arguments)
        elif known is None or known.kind != condition.kind.name:
            tell(condition.kind, condition.arguments)
        raised[alarm.name] = Raised(condition.kind.name, condition.facts)
    return tuple(notices), raised


def _context(vcenter: VCenter) -> Context:
    return Context(vcenter.tenant, "vsphere", frozenset({"reader"}))


def _gone(inventory: Inventory, reference: Reference) -> bool:
    try:
        inventory.get(reference)
    except NotFound:
        return True
    return False


def _iscsi_names(connection: Connection, who: Who) -> frozenset[str]:
    """Of all hosts of the vCenter."""
    content = connection.content
    with translated(connection.endpoint):
        shown = content.viewManager.CreateContainerView(content.rootFolder, [vim.HostSystem], True)
    hosts = connection.read(shown, "view").get("view") or []
    found = read_all(connection, list(hosts), "config.storageDevice.hostBusAdapter")
    with translated(connection.endpoint):
        shown.DestroyView()
    return frozenset(
        str(adapter.iScsiName)
        for each in found.values()
        for adapter in each.get("config.storageDevice.hostBusAdapter") or ()
        if isinstance(adapter, vim.host.InternetScsiHba)
    )
