"""Server-sent events (DSP0266, Server-sent events): a stream is a subscription for as long as it is open."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from ....adapters.contract.storage import Feed
from ....core.context import Context
from ....core.errors import IsthmusError
from ....core.model.identity import now
from .. import uris
from ..accounts.privileges import standing
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Endpoint
from ..protocol.response import Response, json_text
from ..telemetry.reports import REPORTS, document
from .rendering import server_sent
from .rights import rights_of
from .subscription import STREAM, STREAM_SECONDS, Subscription

_ID = re.compile(r"([0-9]{1,18})(?:-[A-Za-z]{1,30}-[0-9]{1,30})?")
_RENEW = STREAM_SECONDS / 3
_OWNERS = 4
# A tenant, or a user of none, has a quarter of the streams that a server has open at most.


class Stream:
    """What a WSGI server sends: the core's feed, until the client goes, somebody deletes the subscription, or whoever
    opened it has no longer the rights that it was opened with."""

    def __init__(self, feed: Feed, subscription: Subscription, request: Request, last: int) -> None:
        self._feed = feed
        self._subscription = subscription
        self._subscriptions = request.service.subscriptions
        self._storage = request.storage
        self._opened_by = standing(request.context)
        self._ask_again = _asking_again(request)
        self._interval = float(request.service.settings["report_interval"])
        self._last = last
        self._renewed = time.monotonic()
        self._reported = -self._interval

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._feed:
            if not self._lasts():
                return
            self._last = _last_id(chunk) or self._last
            yield chunk + self._reports()

    def _reports(self) -> bytes:
        """The metric reports, when they are due. The feed says something every 10 s, so they come a little late.

        Their ids begin with the number of the last event, so that who comes back with one of them misses none.
        """
        moment = time.monotonic()
        if moment - self._reported < self._interval:
            return b""
        self._reported = moment
        made = [document(report, self._storage) for report in REPORTS.values()]
        return b"".join(
            b"id: %d-%b-%d\ndata: %b\n\n" % (self._last, body["Id"].encode(), time.time_ns(), json_text(body))
            for body in made
        )

    def close(self) -> None:
        """The client went: the subscription goes with it. Idempotent."""
        self._feed.close()
        self._subscriptions.delete(self._subscription.id)

    def _lasts(self) -> bool:
        """Asked whenever there is something to say, which is every 10 s at least."""
        if not self._may_listen():
            return False
        if time.monotonic() - self._renewed < _RENEW:
            return self._subscriptions.exists(self._subscription.id)
        self._renewed = time.monotonic()
        return self._subscriptions.renew(self._subscription)

    def _may_listen(self) -> bool:
        try:
            context = self._ask_again()
        except IsthmusError:
            return False
        # Other rights are a matter of another stream: what this one passes on was settled when it was opened.
        opened_by = self._opened_by
        return context is not None and (context.tenant, context.roles) == (opened_by.tenant, opened_by.roles)


def _asking_again(request: Request) -> Callable[[], Context | None]:
    """Who the caller is by then. An open stream is a use of its session; a password is not asked for again."""
    service, context, token = request.service, request.context, request.header("X-Auth-Token")
    if token is not None:
        return lambda: standing(service.sessions.context(token, context.request_id))
    return lambda: rights_of(service.adapter, context.user, context.tenant)


def _last_id(chunk: bytes) -> int | None:
    """The number of the last event in what the feed gave."""
    _, found, rest = (b"\n\n" + chunk).rpartition(b"\n\nid: ")
    return int(rest.partition(b"\n")[0]) if found else None


def _open(request: Request) -> Response:
    accepted = request.header("Accept") or "*/*"
    kinds = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if not kinds & {"text/event-stream", "text/*", "*/*"}:
        raise refuse(406, "HeaderInvalid", "Accept", resolution="This is a stream: accept text/event-stream.")
    last = request.header("Last-Event-ID")
    known = None if last is None else _ID.fullmatch(last)
    if last is not None and known is None:
        raise refuse(400, "HeaderInvalid", "Last-Event-ID", resolution="Send the id of the last event you know.")
    if request.method == "HEAD":
        return Response(200, b"", type="text/event-stream")
    context, subscriptions = request.context, request.service.subscriptions
    number = request.storage.events.newest() if known is None else int(known[1])
    subscription = subscriptions.add(
        Subscription(
            id="",
            type=STREAM,
            user=context.user,
            tenant=context.tenant,
            roles=tuple(sorted(context.roles)),
            created_at=now(),
            context=f"Stream {context.request_id}",
        ),
        share=max(1, request.service.setup.server.streams // _OWNERS),
    )
    try:
        feed = request.storage.events.stream(number, render=server_sent)
    except BaseException:
        subscriptions.delete(subscription.id)
        raise
    return Response(200, Stream(feed, subscription, request, number), type="text/event-stream")


STREAM_ENDPOINT = Endpoint(path=uris.SSE, handlers={"GET": _open}, entity="EventDestinationCollection")
