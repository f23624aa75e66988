"""The transitions of an operation that a runner holds: one fenced transaction for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from ..model.codec import time_text
from ..model.identity import now
from ..model.operation import Operation, OperationState
from ..store.database import Tx
from . import ledger, waiting
from .attention import view
from .operations import encode_error
from .station import Station
from .step import Commit
from .tenure import Tenure

Waiter = tuple[str, str | None]


class Refused(Exception):
    """The fenced write changed nothing: the row is not where this runner believes it to be, or a cancel came."""


class Broken(Exception):
    """What a step or a hook wanted to write in its transaction failed; nothing of the transaction is written."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Transitions:
    """Writes transitions. While the database does not answer each insists, until the journal stops (`Unavailable`).

    Until the pivot, a transition forward is refused when a cancel has been asked for.
    """

    def __init__(self, station: Station) -> None:
        self.station = station

    def advance(
        self,
        tenure: Tenure,
        target: int,
        *,
        undoing: bool,
        data: str,
        result: str,
        progress: float,
        note: str,
        commit: Commit | None = None,
        turning: bool = False,
    ) -> None:
        """Go to the step with index `target`, or turn to undoing there; raises `Refused`, `Broken`.

        It is durable into the pivot, so that this is known before anything is destroyed, and when turning, since an
        undo that ran must never be forgotten in favour of the way forward.
        """
        station, step = self.station, tenure.flow.steps[target]
        hold, error, heed = tenure.hold(), encode_error(tenure.error), not tenure.patient and not turning

        def work(tx: Tx) -> None:
            held = ledger.advance(
                tx,
                hold,
                station.timing.lease,
                heed_cancel=heed,
                step=step.name,
                undoing=undoing,
                progress=progress,
                note=note,
                data=data,
                result=result,
                error=error,
                node=None if step.node is None else station.node,
            )
            if not held:
                raise Refused
            if commit is not None:
                _within(lambda: commit(tx))

        station.insist(work, durable=turning or (not undoing and step.name == tenure.flow.pivot))

    def end(self, tenure: Tenure, ended: Operation, data: str, result: str, commit: Commit | None) -> list[Waiter]:
        """End the operation, run the hooks and let run what waits for it; raises `Refused`, `Broken`.

        Returns what was woken.
        """
        hold, heed = tenure.hold(), not tenure.patient

        def hooks(tx: Tx) -> None:
            if commit is not None:
                commit(tx)
            if ended.undoing and tenure.flow.undone is not None:
                tenure.flow.undone(view(tenure, ended), tx)
            if self.station.ended is not None:
                self.station.ended(tx, ended)

        def work(tx: Tx) -> list[Waiter]:
            held = ledger.end(
                tx,
                hold,
                heed_cancel=heed,
                state=str(ended.state),
                step=hold.step,
                undoing=ended.undoing,
                progress=ended.progress,
                note=ended.note,
                data=data,
                result=result,
                error=encode_error(ended.error),
                node=ended.node,
            )
            if not held:
                raise Refused
            _within(lambda: hooks(tx))
            return waiting.wake(tx, ended.id)

        return self.station.insist(work)

    def wait(self, tenure: Tenure, child: str, look: float, data: str, result: str) -> OperationState | None:
        """Park the operation until `child` ends, unless it has; returns the child's state. Raises `Refused`.

        A child that is not in this database (None) is looked for again after `look` seconds.
        """
        heed = not tenure.patient and tenure.error is None

        def work(tx: Tx) -> OperationState | None:
            state = waiting.lock_state(tx, child)
            if state is not None and state.ended:
                return state
            needing = state is OperationState.NEEDS_ATTENTION
            held = ledger.park(
                tx,
                tenure.hold(),
                heed_cancel=heed,
                delay=look if state is None else 0.0,
                state=ledger.PENDING if state is None else ledger.WAITING,
                waits_for=None if state is None else child,
                progress=tenure.progress,
                note=f"waits for operation {child}" + (", which needs attention" if needing else ""),
                data=data,
                result=result,
                error=encode_error(tenure.error),
                attempts=max(0, tenure.attempts - 1),
                crashes=0,
                node=tenure.operation.node,
            )
            if not held:
                raise Refused
            return state

        return self.station.insist(work)

    def until(self, tenure: Tenure, moment: datetime, data: str, result: str) -> None:
        """Park the operation until `moment`, as seen from here; raises `Refused`."""
        heed = not tenure.patient

        def work(tx: Tx) -> None:
            held = ledger.park(
                tx,
                tenure.hold(),
                heed_cancel=heed,
                delay=(moment - now()).total_seconds(),
                state=ledger.PENDING,
                waits_for=None,
                progress=tenure.progress,
                note=f"waits until {time_text(moment)}",
                data=data,
                result=result,
                error=encode_error(tenure.error),
                attempts=0,
                crashes=0,
                node=tenure.operation.node,
            )
            if not held:
                raise Refused

        self.station.insist(work)

    def park(self, tenure: Tenure, *, delay: float = 0.0, age: float | None = None, node: str | None = None) -> bool:
        """Let go of the operation for `delay` seconds, with its notebook as of the last commit; whether it was held.

        `age` is for how many seconds the step has been tried, `node` where it must run.
        """

        def work(tx: Tx) -> bool:
            return ledger.park(
                tx,
                tenure.hold(),
                delay=delay,
                age=age,
                state=ledger.PENDING,
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

    def free_keys(self, tenure: Tenure) -> None:
        """Let the next try ask anew for what failed, if the operation is still held."""

        def work(tx: Tx) -> None:
            if ledger.holds(tx, tenure.hold()):
                waiting.free_keys(tx, tenure.operation.id)

        self.station.insist(work)


def _within(write: Callable[[], None]) -> None:
    """Run what a step wants to write; trouble of the database stays what it is, so that a deadlock is retried."""
    try:
        write()
    except DBAPIError:
        raise
    except Exception as error:
        raise Broken(error) from error
