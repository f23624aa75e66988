"""Server-sent events (DSP0266, Server-sent events): a stream is a subscription for as long as it is open."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from ....adapters.contract.storage import Feed
from ....core.model.identity import now
from .. import uris
from ..refusal import refuse
from ..request import Request
from ..resource import Endpoint
from ..response import Response
from .rendering import server_sent
from .subscription import STREAM, STREAM_SECONDS, Subscription, Subscriptions

_NUMBER = re.compile(r"[0-9]{1,18}")
_RENEW = STREAM_SECONDS / 3


class Stream:
    """What a WSGI server sends: the core's feed, until the client goes or somebody deletes the subscription."""

    def __init__(self, feed: Feed, subscription: Subscription, subscriptions: Subscriptions) -> None:
        self._feed = feed
        self._subscription: Subscription | None = subscription
        self._subscriptions = subscriptions
        self._renewed = time.monotonic()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._feed:
            if not self._lasts():
                return
            yield chunk

    def close(self) -> None:
        """The client went: the subscription goes with it. Idempotent."""
        self._feed.close()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._subscriptions.delete(subscription.id)

    def _lasts(self) -> bool:
        one = self._subscription
        if one is None:
            return False
        if time.monotonic() - self._renewed < _RENEW:
            return self._subscriptions.exists(one.id)
        self._renewed = time.monotonic()
        self._subscription = self._subscriptions.renew(one)
        return self._subscription is not None


def _open(request: Request) -> Response:
    accepted = request.header("Accept") or "*/*"
    kinds = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if not kinds & {"text/event-stream", "text/*", "*/*"}:
        raise refuse(406, "HeaderInvalid", "Accept", resolution="This is a stream: accept text/event-stream.")
    last = request.header("Last-Event-ID")
    if last is not None and not _NUMBER.fullmatch(last):
        raise refuse(400, "HeaderInvalid", "Last-Event-ID", resolution="Send the id of the last event you know.")
    if request.method == "HEAD":
        return Response(200, b"", type="text/event-stream")
    context, subscriptions = request.context, request.service.subscriptions
    feed = request.storage.events.stream(None if last is None else int(last), render=server_sent)
    try:
        subscription = subscriptions.add(
            Subscription(
                id="",
                type=STREAM,
                user=context.user,
                tenant=context.tenant,
                roles=tuple(sorted(context.roles)),
                created_at=now(),
                context=f"Stream {context.request_id}",
            )
        )
    except BaseException:
        feed.close()
        raise
    return Response(200, Stream(feed, subscription, subscriptions), type="text/event-stream")


STREAM_ENDPOINT = Endpoint(path=uris.SSE, handlers={"GET": _open}, entity="EventDestinationCollection")
