"""Takes one operation through its steps, forward or back: one fenced transaction for each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from ..errors import Busy, Failed, IsthmusError, Overloaded, Transient, Unavailable
from ..model.identity import now
from ..model.operation import Operation, OperationState
from ..store.database import Tx
from . import ledger, waiting
from .attention import CANCELLED, document, failing, give_up, view
from .control import take_back_child
from .operations import FIRST_EPOCH, calling, encode, encode_error, just_accepted
from .row import Row
from .station import Dead, Station
from .step import Cancelled, Commit, Flow, Outcome, Wait
from .tenure import Tenure

_log = logging.getLogger(__name__)
_RETRIED = (Transient, Busy, Unavailable, Overloaded)
_FOREIGN_LOOK = 1.0
_SPINS = 20


class _Refused(Exception):
    """The fenced write changed nothing: the row is not where this runner believes it to be."""


class _Broken(Exception):
    """What a step or a hook wanted to write in its transaction failed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Stepper:
    """Runs operations; called by the dispatcher's threads."""

    def __init__(self, station: Station) -> None:
        self.station = station

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
            self._park(tenure, state=ledger.PENDING, age=tenure.age())
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
                outcome = action(run)
            data, result = encode(tenure.data), encode(tenure.result)
        except Exception as error:
            tenure.watched = None
            return self._failed(tenure, error)
        tenure.watched = None
        if elsewhere:
            self._park(tenure, state=ledger.PENDING, node=node)
            station.dispatch(tenure.operation.id, node)
            return False
        if isinstance(outcome, Wait):
            if outcome.operation == tenure.operation.id:
                return self._failed(tenure, Failed(f"Step {tenure.step.name} waits for its own operation."))
            return self._wait(tenure, outcome.operation, data, result)
        return self._commit(tenure, outcome, data, result)

    def _commit(self, tenure: Tenure, commit: Commit | None, data: str, result: str) -> bool:
        """Write the end of a step and go to the next, forward or back."""
        target = tenure.following()
        if target is None:
            return self._end(tenure, commit, data, result)
        station, step = self.station, tenure.flow.steps[target]
        hold, undoing = tenure.hold(), tenure.undoing
        progress = tenure.progress if undoing else max(tenure.progress, target / len(tenure.flow.steps))

        def work(tx: Tx) -> None:
            held = ledger.advance(
                tx,
                hold,
                station.timing.lease,
                heed_cancel=not tenure.patient,
                step=step.name,
                undoing=undoing,
                progress=progress,
                note=tenure.note,
                data=data,
                result=result,
                error=encode_error(tenure.error),
                node=None if step.node is None else station.node,
            )
            if not held:
                raise _Refused
            if commit is not None:
                _within(lambda: commit(tx))

        entering = not undoing and step.name == tenure.flow.pivot
        try:
            station.insist(work, durable=entering)
        except _Refused:
            return self._adopt(tenure)
        except _Broken as broken:
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

        def work(tx: Tx) -> list[tuple[str, str | None]]:
            self._write_end(tx, tenure, ended, data, result, heed_cancel=not tenure.patient)
            _within(lambda: self._hooks(tx, tenure, ended, commit))
            return waiting.wake(tx, ended.id)

        try:
            woken = station.insist(work)
        except _Refused:
            return self._adopt(tenure)
        except _Broken as broken:
            return self._failed(tenure, broken.error)
        except DBAPIError as error:
            return self._failed(tenure, error)
        self._over(tenure, ended, woken)
        return False

    def _write_end(
        self, tx: Tx, tenure: Tenure, ended: Operation, data: str, result: str, *, heed_cancel: bool
    ) -> None:
        held = ledger.end(
            tx,
            tenure.hold(),
            heed_cancel=heed_cancel,
            state=str(ended.state),
            step=tenure.step.name,
            undoing=ended.undoing,
            progress=ended.progress,
            note=ended.note,
            data=data,
            result=result,
            error=encode_error(ended.error),
            node=ended.node,
        )
        if not held:
            raise _Refused

    def _hooks(self, tx: Tx, tenure: Tenure, ended: Operation, commit: Commit | None) -> None:
        if commit is not None:
            commit(tx)
        if ended.undoing and tenure.flow.undone is not None:
            tenure.flow.undone(view(tenure, ended), tx)
        if self.station.ended is not None:
            self.station.ended(tx, ended)

    def _over(self, tenure: Tenure, ended: Operation, woken: list[tuple[str, str | None]]) -> None:
        if self.station.held.get(ended.id) is tenure:
            del self.station.held[ended.id]
        self.station.announce(ended)
        for parent, node in woken:
            self.station.dispatch(parent, node)

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

        def free(tx: Tx) -> None:
            if ledger.holds(tx, tenure.hold()):
                waiting.free_keys(tx, tenure.operation.id)

        self.station.insist(free)
        if pause <= self.station.retries.held_pause:
            tenure.pause(pause)
            return True
        if self._park(tenure, state=ledger.PENDING, delay=pause, age=tenure.age()):
            self.station.dispatch_later(tenure.operation.id, pause)
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
        hold = tenure.hold()
        undone = [index for index in range(tenure.index + 1) if flow.steps[index].undo is not None]
        target = undone[-1] if undone else 0

        def work(tx: Tx) -> None:
            held = ledger.advance(
                tx,
                hold,
                station.timing.lease,
                heed_cancel=False,
                step=flow.steps[target].name,
                undoing=True,
                progress=tenure.progress,
                note="",
                data=tenure.saved,
                result=tenure.saved_result,
                error=encode_error(tenure.error),
                node=None if flow.steps[target].node is None else station.node,
            )
            if not held:
                raise _Refused

        try:
            # Durable: an undo that ran must never be forgotten in favour of the way forward.
            station.insist(work, durable=True)
        except _Refused:
            return self._adopt(tenure)
        tenure.note = ""
        tenure.stand(target, True)
        return True

    def _wait(self, tenure: Tenure, child: str, data: str, result: str) -> bool:
        """Park the operation until `child` ends; go on at once when it has."""
        station = self.station
        heed = not tenure.patient and tenure.error is None

        def work(tx: Tx) -> OperationState | None:
            state = waiting.lock_state(tx, child)
            if state is not None and state.ended:
                return state
            note = f"waits for operation {child}" + ("" if state is None or state.live else ", which needs attention")
            held = ledger.park(
                tx,
                tenure.hold(),
                heed_cancel=heed,
                delay=_FOREIGN_LOOK if state is None else 0.0,
                state=ledger.PENDING if state is None else ledger.WAITING,
                waits_for=None if state is None else child,
                progress=tenure.progress,
                note=note,
                data=data,
                result=result,
                error=encode_error(tenure.error),
                attempts=max(0, tenure.attempts - 1),
                crashes=0,
                node=tenure.operation.node,
            )
            if not held:
                raise _Refused
            return state

        try:
            state = station.insist(work)
        except _Refused:
            return self._adopt(tenure)
        if state is None:
            station.dispatch_later(tenure.operation.id, _FOREIGN_LOOK)
            return False
        if not state.ended:
            return False
        tenure.spins += 1
        if tenure.spins > _SPINS:
            return self._failed(tenure, Failed(f"Step {tenure.step.name} goes on waiting for what has ended."))
        tenure.began = None
        tenure.attempts = max(0, tenure.attempts - 1)
        return True

    def _park(
        self,
        tenure: Tenure,
        *,
        state: str,
        delay: float = 0.0,
        age: float | None = None,
        node: str | None = None,
    ) -> bool:
        """Let go of the operation, with its notebook as of the last commit."""

        def work(tx: Tx) -> bool:
            return ledger.park(
                tx,
                tenure.hold(),
                delay=delay,
                age=age,
                state=state,
                waits_for=None,
                progress=tenure.progress,
                note=tenure.note,
                data=tenure.saved,
                result=tenure.saved_result,
                error=encode_error(tenure.error),
                attempts=tenure.attempts,
                crashes=tenure.crashes,
                node=node if node is not None else tenure.operation.node,
            )

        return self.station.insist(work)


def _within(write: Callable[[], None]) -> None:
    """Run what a step wants to write; trouble of the database stays what it is, so that a deadlock is retried."""
    try:
        write()
    except DBAPIError:
        raise
    except Exception as error:
        raise _Broken(error) from error
