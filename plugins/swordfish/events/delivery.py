"""Telling destinations: one process of the installation does it at a time, each destination at its own pace.

A delivery is at least once: the number of the last event told is noted after the destination took it. A destination
that does not answer is asked again as its subscription's policy says; nobody else waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import requests

from ....adapters.contract import Adapter, Storage
from ....core.context import MUST_CHANGE_PASSWORD, Context
from ....core.duties.duty import Duty, DutyRun
from ....core.errors import Forbidden, Gone, IsthmusError, NotFound, Stale
from ..protocol.response import json_text
from ..telemetry.reports import REPORTS, document
from .rendering import payload, records
from .subscription import PUSH, Subscription, Subscriptions

_log = logging.getLogger(__name__)

AT_ONCE = 50
"""Events in one message at most."""
ATTEMPTS = 3
"""Attempts after the first that failed, before the policy ends them."""
INTERVAL = 30.0
"""Seconds between attempts."""
LONGEST_INTERVAL = 3600.0
_TIMEOUT = (5.0, 20.0)
_SENDERS = 8
_ROUND = 0.5
_IDLE = 2.0
_RIGHTLESS = 30.0


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent next, and the number of the last event that is then told. `body` None: nothing that is wanted."""

    body: bytes | None
    number: int


class Delivery:
    """The duty. `interval` and `attempts` are seconds between attempts and their number; metric reports are sent each
    `report_interval` seconds."""

    def __init__(
        self,
        adapter: Callable[[], Adapter],
        subscriptions: Subscriptions,
        *,
        interval: float = INTERVAL,
        attempts: int = ATTEMPTS,
        report_interval: float = 60.0,
    ) -> None:
        self._adapter = adapter
        self._subscriptions = subscriptions
        self._interval = interval
        self._attempts = attempts
        self._report_interval = report_interval
        self._busy: set[str] = set()
        self._troubles: dict[str, _Trouble] = {}
        self._lock = threading.Lock()

    def duty(self) -> Duty:
        return Duty("swordfish.deliver", interval=1.0, run=self._run, deadline=120.0)

    def _run(self, run: DutyRun) -> None:
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="deliver") as senders:
            while run.go_on():
                waiting = [one for one in self._subscriptions.list() if one.type == PUSH and not one.suspended]
                for one in waiting:
                    if self._take(one.id):
                        senders.submit(self._deliver, one, run)
                run.wait(_ROUND if waiting else _IDLE)

    def _take(self, identifier: str) -> bool:
        """Whether the subscription is to be looked after now; it is then nobody else's."""
        with self._lock:
            if identifier in self._busy or self._trouble(identifier).not_before > time.monotonic():
                return False
            self._busy.add(identifier)
            return True

    def _deliver(self, subscription: Subscription, run: DutyRun) -> None:
        following: Subscription | None = subscription
        try:
            while following is not None and run.held():
                following = self._one_message(following)
        except Forbidden as error:
            # Rights come back at somebody's word only (a new password, another role): no need to ask all the time.
            self._trouble(subscription.id).not_before = time.monotonic() + _RIGHTLESS
            _log.info("subscription %s is told nothing now: %s", subscription.id, error)
        except IsthmusError as error:
            _log.warning("events for subscription %s wait: %s", subscription.id, error)
        except Exception:
            _log.exception("a defect in the delivery to subscription %s", subscription.id)
        finally:
            with self._lock:
                self._busy.discard(subscription.id)

    def _one_message(self, one: Subscription) -> Subscription | None:
        """Tell what is next; the subscription as it is then, None when there is nothing more to do now."""
        context = self._context(one)
        if context is None:
            self._subscriptions.delete(one.id)
            return None
        storage = self._adapter().storage(context)
        if one.format == "MetricReport":
            self._reports(one, storage)
            return None
        message = self._next(one, storage)
        if message is None:
            return None
        if message.body is not None and not self._post(one, message.body):
            self._failed(one)
            return None
        self._troubles.pop(one.id, None)
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

    def _reports(self, one: Subscription, storage: Storage) -> None:
        """Send the reports as they are now; the next ones are due an interval later."""
        trouble = self._trouble(one.id)
        for report in REPORTS.values():
            if not self._post(one, json_text(document(report, storage, one.context))):
                self._failed(one)
                return
        trouble.failures = 0
        trouble.not_before = time.monotonic() + self._report_interval

    def _context(self, one: Subscription) -> Context | None:
        """The subscriber with the rights of now; None for one who has none any more."""
        keeper = Context(None, "swordfish", frozenset({"admin"}))
        try:
            user = self._adapter().administration(keeper).users.get(one.user)
        except NotFound:
            return None
        if not user.enabled:
            return None
        roles = (MUST_CHANGE_PASSWORD,) if user.must_change_password else user.roles
        return Context(one.tenant, one.user, frozenset(roles))

    def _post(self, one: Subscription, body: bytes) -> bool:
        headers: Mapping[str, str] = {**one.headers, "Content-Type": "application/json;charset=utf-8"}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    str(one.destination),
                    data=body,
                    headers=dict(headers),
                    timeout=_TIMEOUT,
                    verify=one.verify_certificate,
                    allow_redirects=False,
                    stream=True,
                )
                answer.close()
        except (requests.RequestException, ValueError) as error:
            _log.info("the destination of subscription %s cannot be reached: %s", one.id, type(error).__name__)
            return False
        if not answer.ok:
            _log.info("the destination of subscription %s answered %s", one.id, answer.status_code)
        return answer.ok

    def _failed(self, one: Subscription) -> None:
        """Wait before the next attempt, or end the subscription as its policy says (DSP0266, Event retry)."""
        trouble = self._trouble(one.id)
        trouble.failures += 1
        pause = self._interval
        if one.retry_policy == "RetryForeverWithBackoff":
            pause = min(self._interval * 2 ** (trouble.failures - 1), LONGEST_INTERVAL)
        trouble.not_before = time.monotonic() + pause
        if trouble.failures <= self._attempts or one.retry_policy.startswith("RetryForever"):
            return
        self._troubles.pop(one.id, None)
        if one.retry_policy == "SuspendRetries":
            try:
                self._subscriptions.replace(replace(one, suspended=True))
            except (Stale, NotFound):
                return
            _log.warning("subscription %s is suspended: its destination does not answer", one.id)
        else:
            self._subscriptions.delete(one.id)
            _log.warning("subscription %s ends: its destination does not answer", one.id)

    def _trouble(self, identifier: str) -> _Trouble:
        return self._troubles.setdefault(identifier, _Trouble())
