"""Takes one operation through its steps, forward or back: one fenced transaction for each."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from ..errors import Busy, Failed, IsthmusError, Overloaded, Transient, Unavailable
from ..model.identity import now
from ..model.operation import Operation, OperationState
from ..progress import heard
from ..store.database import Tx
from . import ledger, waiting
from .attention import CANCELLED, document, failing, give_up
from .control import take_back_child
from .operations import FIRST_EPOCH, calling, encode, just_accepted
from .row import Row
from .station import Dead, Station
from .step import Cancelled, Commit, Flow, Outcome, Until, Wait
from .tenure import Tenure
from .transitions import Broken, Refused, Transitions

_log = logging.getLogger(__name__)
_RETRIED = (Transient, Busy, Unavailable, Overloaded)
_FOREIGN_LOOK = 1.0
_SPINS = 20


class Stepper:
    """Runs operations; called by the dispatcher's threads."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.write = Transitions(station)

    def run(self, operation_id: str) -> None:
        """Run the operation until it ends, waits or is lost. Does nothing when it is not due or not ours to run."""
        station = self.station
        try:
            tenure = None if station.stopping.is_set() else self._take(operation_id)
            if tenure is None:
                return
            station.held[operation_id] = tenure
        except Dead:
            return
        except Unavailable as error:
            _log.warning("operation %s could not be taken up: %s", operation_id, error)
            return
        finally:
            station.queued.pop(operation_id, None)
        tenure.thread = threading.get_ident()
        token = calling.set(tenure)
        try:
            while self._go_on(tenure):
                pass
        except Dead:
            pass
        except Unavailable as error:
            _log.warning("operation %s was left to another runner: %s", operation_id, error)
        finally:
            calling.reset(token)
            tenure.watched = None
            if station.held.get(operation_id) is tenure:
                del station.held[operation_id]

    def _take(self, operation_id: str) -> Tenure | None:
        station = self.station
        if station.claimed.pop(operation_id, None) is not None:
            row = just_accepted.take(operation_id, station.owner) or self._read(operation_id)
            if row is not None and row.owner == station.owner and row.epoch == FIRST_EPOCH:
                flow = self._flow(row.operation)
                return None if flow is None else Tenure(row, flow, station.owner, row.epoch)

        def claim(tx: Tx) -> tuple[Row, Flow] | None:
            row = ledger.read(tx, operation_id)
            if row is None or row.operation.node not in (None, station.node):
                return None
            flow = self._flow(row.operation)
            if flow is None or not ledger.claim(tx, row, station.owner, station.timing.lease):
                return None
            return row, flow

        found = station.change(claim)
        if found is None:
            return None
        row, flow = found
        if row.operation.state is OperationState.RUNNING:
            row.crashes += 1
            _log.warning("taking over operation %s from %s", operation_id, row.owner)
        elif not row.operation.attempts:
            # It was told what the operation waits for; it waits no longer.
            row.operation = replace(row.operation, note="")
        return Tenure(row, flow, station.owner, row.epoch + 1)

    def _read(self, operation_id: str) -> Row | None:
        with self.station.database.read() as tx:
            return ledger.read(tx, operation_id)

    def _flow(self, operation: Operation) -> Flow | None:
        flow = self.station.flows.find(operation.kind, operation.flow_version)
        known = flow is not None and operation.step in {step.name for step in flow.steps}
        return flow if known else None

    def _go_on(self, tenure: Tenure) -> bool:
        """Do the next thing; whether there is more to do for this runner."""
        station = self.station
        if tenure.lost:
            return False
        if station.stopping.is_set():
            self.write.park(tenure, age=tenure.age())
            return False
        if not tenure.patient and (tenure.cancel or tenure.error is not None):
            return self._turn(tenure, tenure.error or CANCELLED)
        if tenure.crashes > station.retries.crashes:
            return self._not_again(tenure)
        run = tenure.begin()
        outcome: Outcome = None
        try:
            node = tenure.step.node(run) if tenure.step.node is not None else None
            elsewhere = node is not None and node != station.node
            action = tenure.step.undo if tenure.undoing else tenure.step.do
            if not elsewhere and action is not None:
                with heard(run.heard):
                    outcome = action(run)
            data, result = encode(tenure.data), encode(tenure.result)
        except Exception as error:
            run.over, tenure.watched = True, None
            return self._failed(tenure, error)
        run.over, tenure.watched = True, None
        if elsewhere:
            tenure.attempts -= 1
            if self.write.park(tenure, node=node):
                station.dispatch(tenure.operation.id, node)
            return False
        if isinstance(outcome, Wait):
            if outcome.operation == tenure.operation.id:
                return self._failed(tenure, Failed(f"Step {tenure.step.name} waits for its own operation."))
            return self._wait(tenure, outcome.operation, data, result)
        if isinstance(outcome, Until):
            return self._until(tenure, outcome.moment, data, result)
        return self._commit(tenure, outcome, data, result)

    def _commit(self, tenure: Tenure, commit: Commit | None, data: str, result: str) -> bool:
        """Write the end of a step and go to the next, forward or back."""
        target = tenure.following()
        if target is None:
            return self._end(tenure, commit, data, result)
        undoing = tenure.undoing
        progress = tenure.progress if undoing else max(tenure.progress, target / len(tenure.flow.steps))
        try:
            self.write.advance(
                tenure,
                target,
                undoing=undoing,
                data=data,
                result=result,
                progress=progress,
                note=tenure.note,
                commit=commit,
            )
        except Refused:
            return self._adopt(tenure)
        except Broken as broken:
            return self._failed(tenure, broken.error)
        except DBAPIError as error:
            return self._failed(tenure, error)
        tenure.saved, tenure.saved_result, tenure.progress = data, result, progress
        tenure.stand(target, undoing)
        tenure.renewed = time.monotonic()
        return True

    def _end(self, tenure: Tenure, commit: Commit | None, data: str, result: str) -> bool:
        """Write the end of the last step and of the operation."""
        station = self.station
        state = tenure.outcome()
        ended = replace(
            tenure.operation,
            state=state,
            undoing=tenure.undoing,
            progress=1.0 if state is OperationState.DONE else tenure.progress,
            note="",
            error=tenure.error,
            result=ledger.decode(result),
            updated_at=now(),
        )

        try:
            woken = self.write.end(tenure, ended, data, result, commit)
        except Refused:
            return self._adopt(tenure)
        except Broken as broken:
            return self._failed(tenure, broken.error)
        except DBAPIError as error:
            return self._failed(tenure, error)
        if station.held.get(ended.id) is tenure:
            del station.held[ended.id]
        station.announce(ended)
        for parent, node in woken:
            station.dispatch(parent, node)
        return False

    def _adopt(self, tenure: Tenure) -> bool:
        """A write was refused: go on from where the row stands if it is still ours, else leave it."""
        row = self.station.look(lambda tx: ledger.read(tx, tenure.operation.id))
        ours = row is not None and row.owner == tenure.owner and row.epoch == tenure.epoch
        if row is None or not ours or row.operation.state is not OperationState.RUNNING:
            tenure.lost = True
            _log.warning("operation %s is run by another: this runner's work was refused", tenure.operation.id)
            return False
        tenure.load(row)
        return True

    def _failed(self, tenure: Tenure, error: Exception) -> bool:
        """A step or an undo raised: try again, take back, or leave it to a person."""
        station, operation = self.station, tenure.operation
        if tenure.lost or station.dead:
            return False
        if not isinstance(error, IsthmusError | Cancelled):
            _log.error("step %s of %s failed [%s]", operation.step, operation.id, operation.request_id, exc_info=error)
        tenure.fall_back()
        budget = tenure.step.deadline * (station.retries.patience if tenure.patient else 1.0)
        pause = station.retries.pause(tenure.attempts)
        passing = tenure.patient or isinstance(error, _RETRIED)
        if passing and station.retries.again(tenure.attempts, tenure.age(), pause, budget):
            said = document(error, operation)["message"]
            tenure.note, tenure.told = f"{tenure.step.name}, try {tenure.attempts}: {said}", False
            return self._pause(tenure, pause)
        if tenure.patient:
            return self._give_up(tenure, error)
        return self._turn(tenure, document(error, operation))

    def _pause(self, tenure: Tenure, pause: float) -> bool:
        """Wait before the next try: with the thread if it is short, else without."""
        self.write.free_keys(tenure)
        if pause <= self.station.retries.held_pause:
            tenure.pause(pause)
            return True
        if self.write.park(tenure, delay=pause, age=tenure.age()):
            self.station.retry_later(tenure.operation.id, pause)
        return False

    def _not_again(self, tenure: Tenure) -> bool:
        """The runners of this step died again and again."""
        error = Failed(f"The server ended {tenure.crashes} times while it ran step {tenure.step.name}.")
        tenure.crashes = 0
        if tenure.patient:
            return self._give_up(tenure, error)
        return self._turn(tenure, error.to_json())

    def _give_up(self, tenure: Tenure, error: Exception) -> bool:
        station, said, hold = self.station, failing(tenure, error), tenure.hold()
        while True:
            try:
                give_up(station, tenure, said, hold)
            except Unavailable:
                if not station.stopping.wait(1.0):
                    continue
            return False

    def _turn(self, tenure: Tenure, error: Any) -> bool:
        """Begin to take back, after everything that the operation's own steps asked for has ended."""
        station, flow = self.station, tenure.flow
        tenure.error = dict(error)
        child = station.look(lambda tx: waiting.live_child(tx, tenure.operation.id))
        if child is not None:
            take_back_child(station, child)
            return self._wait(tenure, child, tenure.saved, tenure.saved_result)
        tenure.operation = replace(tenure.operation, error=tenure.error)
        undone = [index for index in range(tenure.index + 1) if flow.steps[index].undo is not None]
        target = undone[-1] if undone else 0
        try:
            self.write.advance(
                tenure,
                target,
                undoing=True,
                data=tenure.saved,
                result=tenure.saved_result,
                progress=tenure.progress,
                note="",
                turning=True,
            )
        except Refused:
            return self._adopt(tenure)
        tenure.note = ""
        tenure.stand(target, True)
        return True

    def _wait(self, tenure: Tenure, child: str, data: str, result: str) -> bool:
        """Park the operation until `child` ends; go on at once when it has."""
        try:
            state = self.write.wait(tenure, child, _FOREIGN_LOOK, data, result)
        except Refused:
            return self._adopt(tenure)
        if state is None:
            self.station.dispatch_later(tenure.operation.id, _FOREIGN_LOOK)
            return False
        if not state.ended:
            return False
        if tenure.error is None:
            tenure.spins += 1
        if tenure.spins > _SPINS:
            return self._failed(tenure, Failed(f"Step {tenure.step.name} goes on waiting for what has ended."))
        tenure.began = None
        tenure.attempts = max(0, tenure.attempts - 1)
        return True

    def _until(self, tenure: Tenure, moment: datetime, data: str, result: str) -> bool:
        """Park the operation until the time has come; the sweeper finds it then."""
        try:
            self.write.until(tenure, moment, data, result)
        except Refused:
            return self._adopt(tenure)
        return False
