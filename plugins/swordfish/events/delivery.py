"""Telling destinations: one process of the installation does it at a time, each destination at its own pace.

A delivery is at least once: the number of the last event told is noted after the destination took it. A destination
that does not answer is asked again as its subscription's policy says; nobody else waits for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ....adapters.contract import Adapter, Storage
from ....core.duties.duty import Duty, DutyRun
from ....core.errors import Forbidden, Gone, IsthmusError, NotFound
from ..protocol.response import json_text
from ..telemetry.reports import REPORTS, document
from .posting import post
from .rendering import payload, records
from .retries import ATTEMPTS, INTERVAL, Retries
from .rights import KEEPER, rights_of
from .senders import Senders
from .subscription import PUSH, Subscription, Subscriptions

_log = logging.getLogger(__name__)

AT_ONCE = 50
"""Events in one message at most."""
PATIENCE = 20.0
"""Seconds that one message may take."""
_REPORTS = "MetricReport"
_ROUND = 0.5
_IDLE = 2.0


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent next, and the number of the last event that is then told. `body` None: nothing that is wanted."""

    body: bytes | None
    number: int


class Delivery:
    """The duty. `interval` and `attempts` are seconds between attempts and their number, `patience` the seconds that
    one message may take; metric reports are sent each `report_interval` seconds."""

    def __init__(
        self,
        adapter: Callable[[], Adapter],
        subscriptions: Subscriptions,
        *,
        interval: float = INTERVAL,
        attempts: int = ATTEMPTS,
        patience: float = PATIENCE,
        report_interval: float = 60.0,
    ) -> None:
        self._adapter = adapter
        self._subscriptions = subscriptions
        self._interval = interval
        self._patience = patience
        self._report_interval = report_interval
        self._retries = Retries(interval, attempts)
        self._senders = Senders(self._retries.failing)
        self._newest = 0
        self._looked: dict[str, int] = {}

    def duty(self) -> Duty:
        return Duty("swordfish.deliver", interval=1.0, run=self._run, deadline=120.0)

    def _run(self, run: DutyRun) -> None:
        try:
            while run.go_on():
                known = self._subscriptions.list(PUSH)
                self._forget_all_but({one.id for one in known})
                self._newest = self._adapter().storage(KEEPER).events.newest()
                waiting = [one for one in known if self._waits(one)]
                self._senders.offer(waiting, partial(self._deliver, run))
                run.wait(_ROUND if known else _IDLE)
        finally:
            # Nobody waits for what is being sent: it ends within its patience.
            self._senders.offer((), partial(self._deliver, run))

    def _waits(self, one: Subscription) -> bool:
        if one.suspended or not self._retries.due(one.id, time.monotonic()):
            return False
        return one.format == _REPORTS or self._newest > max(one.delivered, self._looked.get(one.id, 0))

    def _forget_all_but(self, identifiers: set[str]) -> None:
        self._retries.keep(identifiers)
        for identifier in self._looked.keys() - identifiers:
            self._looked.pop(identifier, None)

    def _deliver(self, run: DutyRun, subscription: Subscription) -> None:
        try:
            following = self._still_waiting(subscription)
            while following is not None and not following.suspended and run.held():
                following = self._one_message(following, run)
        except Forbidden as error:
            # Rights come back at somebody's word only (a new password, another role): no need to ask all the time.
            self._retries.pause(subscription.id, time.monotonic() + self._interval)
            _log.info("subscription %s is told nothing now: %s", subscription.id, error)
        except IsthmusError as error:
            _log.warning("events for subscription %s wait: %s", subscription.id, error)
        except Exception:
            _log.exception("a defect in the delivery to subscription %s", subscription.id)

    def _still_waiting(self, one: Subscription) -> Subscription | None:
        """It as it is now, None where there is nothing to tell: it may have been told while it waited for its turn."""
        try:
            now = self._subscriptions.get(one.id)
        except NotFound:
            return None
        return now if self._waits(now) else None

    def _one_message(self, one: Subscription, run: DutyRun) -> Subscription | None:
        """Tell what is next; the subscription as it is then, None when there is nothing more to do now."""
        newest = self._newest
        context = rights_of(self._adapter(), one.user, one.tenant)
        if context is None:
            self._subscriptions.delete(one.id)
            return None
        storage = self._adapter().storage(context)
        if one.format == _REPORTS:
            self._reports(one, storage, run)
            return None
        message = self._next(one, storage)
        if message is None:
            self._looked[one.id] = newest
            return None
        if message.body is not None and not self._taken(one, message.body, run):
            return None
        self._retries.succeeded(one.id)
        return self._subscriptions.told(one, message.number)

    def _next(self, one: Subscription, storage: Storage) -> _Message | None:
        try:
            found = storage.events.after(one.delivered, AT_ONCE)
        except Gone as gone:
            # What was discarded cannot be told any more: go on with what is kept.
            _log.warning("subscription %s missed events that are no longer kept", one.id)
            found = storage.events.after(int(gone.details["oldest"]) - 1, AT_ONCE)
        if not found:
            return None
        made = [record for event in found for record in records(event) if one.wants(event, record)]
        number = found[-1].number or one.delivered
        return _Message(json_text(payload(number, made, one.context)) if made else None, number)

    def _reports(self, one: Subscription, storage: Storage, run: DutyRun) -> None:
        """Send the reports as they are now; the next ones are due an interval later."""
        for report in REPORTS.values():
            if not self._taken(one, json_text(document(report, storage, one.context)), run):
                return
        self._retries.pause(one.id, time.monotonic() + self._report_interval)

    def _taken(self, one: Subscription, body: bytes, run: DutyRun) -> bool:
        """Send a message; whether to go on. What failed is tried again later, or ends as the policy says (DSP0266,
        Event retry); who lost the duty meanwhile leaves that to the successor."""
        wrong = post(str(one.destination), body, one.headers, verify=one.verify_certificate, seconds=self._patience)
        if wrong is None:
            return True
        _log.info("the destination of subscription %s %s", one.id, wrong)
        if not run.held() or self._retries.failed(one.id, one.retry_policy, time.monotonic()):
            return False
        if one.retry_policy == "SuspendRetries":
            try:
                self._subscriptions.change(one, lambda now: replace(now, suspended=True))
            except NotFound:
                return False
            _log.warning("subscription %s is suspended: its destination does not answer", one.id)
        else:
            self._subscriptions.delete(one.id)
            _log.warning("subscription %s ends: its destination does not answer", one.id)
        return False
