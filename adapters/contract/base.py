"""An adapter that offers nothing: the base for those that offer some of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from ...core.context import Context
from ...core.errors import Invalid, NotOffered
from ...core.model.description import Description
from ...core.model.page import LARGEST_PAGE, Page, Query
from ...core.model.request import Credential
from . import storage as contract
from .administration import Administration
from .setup import AdapterSetup
from .storage import Storage


class Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)


class BaseAdapter:
    """Keeps its setup. An adapter names its own `name` and `contract_version` and makes its `storage`."""

    name: ClassVar[str]
    contract_version: ClassVar[int]
    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": False}

    def __init__(self, setup: AdapterSetup) -> None:
        self.setup = setup

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        raise NotOffered(f"The system {self.setup.name} signs nobody in.")

    def storage(self, context: Context) -> Storage:
        raise NotImplementedError

    def administration(self, context: Context) -> Administration:
        raise NotOffered(f"The system {self.setup.name} is not administered from here.")

    def close(self) -> None:
        """Nothing to let go of."""


class BaseStorage:
    """Every method of every part raises `NotOffered`; an adapter puts its own parts in their place, and says in
    `describe()` which."""

    def __init__(self, context: Context, system: str) -> None:
        self.context = context
        self.volumes: contract.Volumes = _absent(system, "volumes")
        self.snapshots: contract.Snapshots = _absent(system, "snapshots")
        self.hosts: contract.Hosts = _absent(system, "hosts")
        self.attachments: contract.Attachments = _absent(system, "attachments")
        self.pools: contract.Pools = _absent(system, "pools")
        self.profiles: contract.Profiles = _absent(system, "profiles")
        self.operations: contract.Operations = _absent(system, "operations")
        self.messages: contract.Messages = _absent(system, "messages")
        self.events: contract.Events = _absent(system, "events")
        self.limits: contract.Limits = _absent(system, "limits")
        self.metrics: contract.Metrics = _absent(system, "metrics")

    def describe(self) -> Description:
        raise NotImplementedError


class _Absent:
    def __init__(self, system: str, part: str) -> None:
        self._system = system
        self._part = part

    def __getattr__(self, method: str) -> Any:
        def refuse(*given: Any, **named: Any) -> Any:
            raise NotOffered(f"The system {self._system} does not offer {self._part}.{method}.")

        return refuse


def _absent(system: str, part: str) -> Any:
    return _Absent(system, part)


def page_of(
    noun: type[T], things: Iterable[T], query: Query | None, sorts: Sequence[str] = ("created_at", "name")
) -> Page[T]:
    """The page of things, all of them at hand and each with an `id`, that `query` asks for; None asks for the first.

    Raises `Invalid` for a field that `noun` (a slotted class, as all of the core's are) does not have, also when there
    are no things, for a sort key not among `sorts`, and for a cursor of another list.
    """
    query = query or Query()
    key = query.sort.removeprefix("-")
    if key not in sorts:
        raise Invalid(f"Nothing is sorted by {key!r} here.", next_step=f"Use one of: {', '.join(sorts)}.", field="sort")
    found = list(things)
    for name, wanted in query.filters.items():
        if not hasattr(noun, name):
            raise Invalid(f"There is no field {name!r} here.", field=name)
        found = [thing for thing in found if str(getattr(thing, name)) == str(wanted)]
    found.sort(key=lambda thing: (getattr(thing, key), thing.id), reverse=query.sort.startswith("-"))
    said = json.dumps([dict(query.filters), query.sort], sort_keys=True, default=str)
    list_name, begin = hashlib.sha256(said.encode()).hexdigest()[:16], 0
    if query.cursor is not None:
        of, _, last = query.cursor.partition(".")
        places = [place for place, thing in enumerate(found) if thing.id == last]
        if of != list_name or not places:
            raise Invalid("The cursor is of another list.", next_step="Begin with the first page.", field="cursor")
        begin = places[0] + 1
    end = begin + max(1, min(query.limit, LARGEST_PAGE))
    items = found[begin:end]
    more = f"{list_name}.{items[-1].id}" if end < len(found) else None
    return Page(items, more, len(found) if query.with_total else None)
