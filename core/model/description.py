"""What a storage system says of itself, and what it makes of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .event import Event
from .message import Message
from .operation import Operation


@dataclass(frozen=True, slots=True)
class Description:
    """A storage system's name, product and version, and what it offers.

    `offers` are the parts of the contract it has (`volumes`, `volumes.extend`, `snapshots` …); anything else raises
    `NotOffered`. `protocols` are those that volumes can be reached by.
    """

    system: str
    product: str
    version: str
    offers: tuple[str, ...]
    protocols: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that one request id led to: its operations with the scheduler's explanations, messages and events."""

    request_id: str
    operations: Sequence[Operation] = ()
    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What testing a back end or a system found: `ok`, or the reason why not; pools and abilities as measured.

    A system's `abilities` are what it offers; its pools are not asked for.
    """

    ok: bool
    reason: str = ""
    abilities: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)
    pools: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `doctor` found: `level` is ok, warning or error; `cure` is what to do about it."""

    check: str
    level: str
    text: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """A plugin, adapter, driver or other extension, as the plugin manager found it.

    `state` is `loaded`, `available`, `disabled`, `broken` or `incompatible`; `reason` says why.
    """

    namespace: str
    name: str
    state: str
    distribution: str = ""
    version: str = ""
    contract: int | None = None
    reason: str = ""
    enabled: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
