"""Changes that this process asked for: what each was, by its operation and by its idempotency key.

Redfish knows no idempotency keys. The key goes along as `Idempotency-Key`, which an Isthmus heeds; for other services
it holds as long as this process remembers.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any

from ....core.context import Context
from ....core.errors import KeyReused
from ....core.model.identity import now
from ....core.model.operation import Operation, OperationState

MOST = 4096
_ASKING = 64
DONE = "done"


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it was asked for. `resource` is what it changes, None for what is not made yet."""

    kind: str
    resource: str | None
    context: Context
    key: str | None = None
    said: str = ""
    """What exactly was asked, by which the same key with another request is known."""

    @property
    def resource_type(self) -> str:
        return self.kind.partition(".")[0]


class Accepted:
    """Remembers the last `MOST` changes. Safe for several threads."""

    def __init__(self, secret: str) -> None:
        self._seal = sha256(b"operations of a swordfish system:" + secret.encode()).digest()
        self._lock = threading.Lock()
        self._asking = tuple(threading.Lock() for _ in range(_ASKING))
        self._changes: OrderedDict[str, tuple[Change, datetime]] = OrderedDict()
        self._keys: OrderedDict[tuple[str | None, str], tuple[str, str]] = OrderedDict()

    @contextmanager
    def once(self, change: Change) -> Iterator[None]:
        """Within, nobody else asks for a change with the same key."""
        if change.key is None:
            yield
            return
        with self._asking[hash(change.key) % _ASKING]:
            yield

    def again(self, change: Change) -> str | None:
        """The operation that a change with this key became before; raises `KeyReused` for another one."""
        if change.key is None:
            return None
        with self._lock:
            found = self._keys.get((change.context.tenant, change.key))
        if found is None:
            return None
        said, operation = found
        if said != _digest(change):
            raise KeyReused("This idempotency key was used for another request.", next_step="Use a new key.")
        return operation

    def note(self, operation: str, change: Change) -> None:
        """The change became this operation."""
        with self._lock:
            self._changes[operation] = (change, now())
            if change.key is not None:
                self._keys[(change.context.tenant, change.key)] = (_digest(change), operation)
            while len(self._changes) > MOST:
                self._changes.popitem(last=False)
            while len(self._keys) > MOST:
                self._keys.popitem(last=False)

    def of(self, operation: str) -> tuple[Change, datetime] | None:
        """What an operation was asked for as, and when; None where this process does not know."""
        return self._changes.get(operation)

    def done(self, change: Change, resource: str | None) -> str:
        """The id of the operation of a change that the service made at once, on this resource.

        All that the operation is stands in its id, so it is found on every server and after every restart; a digest
        keeps others from making up such ids.
        """
        stem = f"{DONE}~{change.kind}~{change.context.tenant or ''}~{resource or ''}"
        return f"{stem}~{self._digest(stem)}"

    def read(self, operation: str, context: Context) -> Operation | None:
        """The operation with an id of `done`; None for another id, and for one of another tenant."""
        stem, _, digest = operation.rpartition("~")
        if not hmac.compare_digest(digest.encode("utf-8", "replace"), self._digest(stem).encode()):
            return None
        _, change_kind, tenant, resource = stem.split("~", 3)
        if context.tenant is not None and tenant != context.tenant:
            return None
        known = self.of(operation)
        asked, at = known if known is not None else (Change(change_kind, resource or None, context), now())
        kind = change_kind.partition(".")[0]
        return Operation(
            id=operation,
            kind=change_kind,
            resource_type=kind,
            resource=resource or None,
            tenant=tenant or None,
            user=asked.context.user,
            request_id=asked.context.request_id,
            state=OperationState.DONE,
            created_at=at,
            updated_at=at,
            progress=1.0,
            idempotency_key=asked.key,
            result={kind: resource} if resource else {},
        )

    def _digest(self, stem: str) -> str:
        return hmac.new(self._seal, stem.encode("utf-8", "replace"), sha256).hexdigest()[:24]


def _digest(change: Change) -> str:
    said: Any = (change.kind, change.resource, change.said)
    return blake2b(repr(said).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
