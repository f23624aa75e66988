"""The parts that services and flows share, made once by the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..context import Context
from ..datapath.object_lock import ObjectLocks
from ..errors import IsthmusError
from ..events.log import append
from ..events.stream import EventStream
from ..journal.registry import Flows
from ..journal.runner import Journal
from ..model.codec import to_json
from ..model.identity import new_id, now
from ..model.message import Message
from ..scheduler.scheduler import Scheduler
from ..security.sealing import Sealer
from ..store import nouns
from ..store.database import Database, Tx
from .settings import EngineSettings

if TYPE_CHECKING:
    from .exports import Exports
    from .live_backends import LiveBackends


@dataclass(slots=True)
class Parts:
    """`signer` signs list cursors; `locks` serialise calls for one object on this node; `announce` says that events
    are waiting to be numbered."""

    settings: EngineSettings
    database: Database
    flows: Flows
    journal: Journal
    scheduler: Scheduler
    sealer: Sealer
    signer: bytes
    locks: ObjectLocks
    stream: EventStream
    live: LiveBackends
    exports: Exports
    announce: Callable[[], None]

    def happened(self, tx: Tx, kind: str, noun: Any, context: Context, operation: str | None = None) -> None:
        """Write an event about `noun` in this transaction; `kind` reads like `volume.created`."""
        append(
            tx,
            kind,
            kind.partition(".")[0],
            noun.id,
            tenant=getattr(noun, "tenant", None),
            context=context,
            body=to_json(noun),
            operation=operation,
        )
        self.announce()

    def refused(self, context: Context, error: IsthmusError, resource_type: str) -> None:
        """Keep why a request was refused, so that it can be explained by its request id.

        Nothing was accepted, so there is no operation that could keep it. Does nothing when the store cannot.
        """
        message = Message(
            id=new_id(),
            tenant=context.tenant,
            level="error",
            code=error.code,
            text=error.message,
            request_id=context.request_id,
            created_at=now(),
            next_step=error.next_step,
            resource_type=resource_type,
            details=dict(error.details),
        )
        with contextlib.suppress(IsthmusError):
            self.database.change(lambda tx: nouns.messages.insert(tx, message))

    @contextlib.contextmanager
    def holding(self, *objects: str) -> Iterator[None]:
        """Hold the objects' locks, always in the same order so that two callers cannot wait for each other."""
        with contextlib.ExitStack() as stack:
            for name in sorted(set(objects)):
                stack.enter_context(self.locks.hold(name, self.journal.owner, self.settings.lock_timeout))
            yield
