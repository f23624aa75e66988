"""What an adapter promises: `Storage` for platforms, `Administration` for those who run the installation.

Both are bound to a `Context` (whose rights count). Every method raises the errors of `isthmus.core.errors` and nothing
else on purpose. Mutating calls take an idempotency `key`: the same key with the same request gives the same operation
again, whatever became of it; with another request `KeyReused`. `if_version` makes a change conditional (`Stale`).
With `dry_run` nothing is changed or stored and the operation that comes back carries the `plan`.
"""

from .adapter import Adapter
from .administration import Administration
from .setup import AdapterFactory, AdapterSetup
from .storage import Storage

CONTRACT_VERSION = 1
"""Raised when an adapter written for an older one could misbehave; such an adapter is reported and not used."""

__all__ = ["CONTRACT_VERSION", "Adapter", "AdapterFactory", "AdapterSetup", "Administration", "Storage"]
