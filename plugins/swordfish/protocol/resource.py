"""How a kind of resource is declared: where it is, what it shows, and what may be done to it.

A file under `resources/` declares one kind with these words and brings the few functions behind them. Everything that
the protocol demands of all resources (entity tags, conditions, privileges, query options, annotations, tasks) is done
around them, once, in `application.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ....core.model.operation import Operation

if TYPE_CHECKING:
    from .request import Request

DMTF = "http://redfish.dmtf.org/schemas/v1"
SNIA = "http://redfish.dmtf.org/schemas/swordfish/v1"

JsonSchema: TypeAlias = Mapping[str, Any]
Noun: TypeAlias = Any
Read: TypeAlias = "Callable[[Noun, Request], Any]"


class _Null:
    """A value that is shown as null."""


NULL = _Null()
"""What `Property.read` gives for a property that is shown as null; None leaves the property out."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a resource.

    `read` gives its value (plain JSON), None to leave it out, `NULL` for null. `write` is the JSON Schema (2020-12)
    of what PATCH takes for it; without one it is read-only. `core` is what the core calls it in its errors.
    """

    name: str
    read: Read
    write: JsonSchema | None = None
    core: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What a POST takes: JSON Schemas (2020-12) by property. Annotations (`@odata.…`) are taken and passed over.

    A property with `readOnly` is refused as such; its `description` is then the advice.

    `core` gives by the core's names (`size`) the JSON pointers of properties (`/CapacityBytes`). `later` says that it
    takes `@Redfish.OperationApplyTime` for the maintenance window; what runs it heeds `Request.later`.
    """

    properties: Mapping[str, JsonSchema]
    required: Sequence[str] = ()
    core: Mapping[str, str] = field(default_factory=dict)
    later: bool = False


Outcome: TypeAlias = "Operation | str | None"
"""What a change came to: an operation that does it, the URI of what it made, or None for done at once."""


Update: TypeAlias = "Callable[[Request, Noun, Mapping[str, Any]], Outcome]"
Delete: TypeAlias = "Callable[[Request, Noun], Outcome]"


@dataclass(frozen=True, slots=True)
class Action:
    """An action of a resource (DSP0266, POST action): `name` is the whole name, `Volume.CreateReplicaTarget`.

    `run` gets the noun and the checked parameters, and hands `request.expected(noun)` on as an update does; where it
    cannot, it refuses an entity tag. `offered` says whether this one has the action at all; one that
    has not neither shows it nor takes it. `allowable` are the values that parameters can have, by name, where the
    resource says them; a function of the noun where not all have the same.
    """

    name: str
    body: Body
    run: Callable[[Request, Noun, Mapping[str, Any]], Outcome]
    offered: Callable[[Noun, Request], bool] = lambda noun, request: True
    allowable: Mapping[str, Sequence[str]] | Callable[[Noun, Request], Mapping[str, Sequence[str]]] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of resource.

    `path` is its URI with `{names}` in it; `load` gets them from `Request.params` and gives the noun, or raises
    `NotFound`. The last name is that of the resource's own id, which `id_of` gives, and which stands in `Id`.
    `type` and `version` make `@odata.type`; `publisher` is where the schema is published. `entity` is the name in
    the privilege registry where it is not the type.

    `update` gets the noun and the new values of whole top-level properties, checked and merged with what is there.
    When it is called, the condition of the request holds for the noun; it must hand `request.expected(noun)` on as
    `if_version`, so that of several changes under one entity tag one wins. `delete` likewise, unless there is nothing
    that can change before it and the store says who came first.
    `stays` says of which of them there is no DELETE, where some have it and some have not. `later` is as in `Body`, for
    PATCH and DELETE.
    `open` resources answer without credentials. `load` of resources without a noun may give anything.
    """

    type: str
    version: str
    path: str
    properties: Sequence[Property]
    load: Callable[[Request], Noun]
    name: Read
    id_of: Callable[[Noun], str] | None = None
    publisher: str = DMTF
    entity: str | None = None
    update: Update | None = None
    delete: Delete | None = None
    stays: Callable[[Noun, Request], bool] | None = None
    actions: Sequence[Action] = ()
    later: bool = False
    open: bool = False

    @property
    def odata_type(self) -> str:
        return f"#{self.type}.{self.version}.{self.type}"

    @property
    def schema(self) -> str:
        """Where the publisher has the schema."""
        return f"{self.publisher}/{self.type}.{self.version}.json"

    @property
    def privileges(self) -> str:
        """The entity by which the privilege registry knows it."""
        return self.entity or self.type


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a collection, in the collection's own order.

    `members` are nouns of `Collection.member`, or URIs where members live elsewhere or are not loaded. `next` is
    where the following piece begins, None at the end. `total` counts all members, whatever the piece.
    """

    members: Sequence[Noun]
    total: int
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Creation:
    """How a member of a collection is made: what is sent, and what makes it of the checked body.

    An `open` one takes no credentials (a login). A `keyed` one hands `Request.key` on, so that it is done once; the
    others refuse a key.
    """

    body: Body
    run: Callable[[Request, Mapping[str, Any]], Outcome]
    keyed: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of resources (DSP0266, Resource collections).

    `list` gives the piece that begins at `after` (None: the beginning) with at most `limit` members. `uri_of` gives
    a member's URI. `creation` makes a member. `annotations` are shown beside the members. `sought` gives the URIs of
    all members that can have these texts in these properties, in the order of `list`, where that is found without
    looking at every member; else None.
    """

    type: str
    path: str
    name: str
    list: Callable[[Request, str | None, int], Window]
    uri_of: Callable[[Noun, Request], str]
    member: Resource | None = None
    publisher: str = DMTF
    entity: str | None = None
    creation: Creation | None = None
    annotations: Callable[[Request], Mapping[str, Any]] | None = None
    sought: Callable[[Request, Mapping[str, str]], Sequence[str] | None] | None = None
    open: bool = False

    @property
    def odata_type(self) -> str:
        return f"#{self.type}.{self.type}"

    @property
    def schema(self) -> str:
        return f"{self.publisher}/{self.type}.json"

    @property
    def privileges(self) -> str:
        return self.entity or self.type


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URI that is no resource: `$metadata`, `/odata`, an event stream, a task monitor.

    `handlers` by method get the request and give a `Response`; `entity` and `open` as for a resource.
    """

    path: str
    handlers: Mapping[str, Callable[[Request], Any]]
    entity: str | None = None
    open: bool = False


Served: TypeAlias = "Resource | Collection | Endpoint"
"""Anything that stands in `catalogue.py`."""

__all__ = [
    "DMTF",
    "NULL",
    "SNIA",
    "Action",
    "Body",
    "Collection",
    "Creation",
    "Delete",
    "Endpoint",
    "JsonSchema",
    "Noun",
    "Outcome",
    "Property",
    "Resource",
    "Served",
    "Update",
    "Window",
]
