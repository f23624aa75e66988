"""Profiles and classes of service: which property says what, in one table (`LINES`) that is read both ways.

A class of service consists of lines of service; each line stands for a part of the profile's document. What a profile
asks for and Swordfish has no property for stays in the profile, unsaid; a change through Swordfish leaves it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .. import protocols
from ..protocol.resource import JsonSchema
from . import durations
from .class_schedules import SNAPSHOTS, said_period, said_snapshots, taken_period, taken_snapshots

Properties: TypeAlias = Mapping[str, Any]
"""The sections of a profile, as `Profile.properties` holds them."""

BYTES_IN_MEGABIT = 125_000
"""A profile counts bandwidth in megabits (1 000 000 bits) a second, Swordfish in bytes."""
MICROSECONDS_IN_MILLISECOND = 1_000
_LARGEST = 2**63 - 1
"""Of a number on the wire (Edm.Int64)."""
_LARGEST_AMOUNT = 2**53 - 1
"""Of a number in a profile."""


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """A property of a line of service and its place in a profile.

    `path` is where the profile has it, `older` where documents of before had it: read, never written. `write` is the
    JSON Schema of what clients send. `say` turns the profile's value into Swordfish's, None where that has no word for
    it; `take` turns a checked value back and raises ValueError for one that the profile cannot hold.
    """

    name: str
    path: tuple[str, ...]
    write: JsonSchema
    say: Callable[[Any], Any] = _same
    take: Callable[[Any], Any] = _same
    older: tuple[str, ...] | None = None

    def said(self, properties: Properties) -> Any:
        """What Swordfish says of it, None for nothing."""
        for path in self._paths:
            value = _at(properties, path)
            if value is not None and (said := self.say(value)) is not None:
                return said
        return None

    def changed(self, properties: Properties, value: Any) -> Properties:
        """The sections with another value; None takes out what was said, and leaves what Swordfish cannot say."""
        taken = None if value is None else self.take(value)
        for path in self._paths:
            there = _at(properties, path)
            if there is not None and self.say(there) is not None:
                properties = _without(properties, path)
        return properties if taken is None else _with(properties, self.path, taken)

    def named_in(self, unenforced: Iterable[str]) -> bool:
        """Whether one of these dotted names is of this property."""
        stems = tuple(".".join(path) for path in self._paths)
        return any(name == stem or name.startswith(f"{stem}.") for name in unenforced for stem in stems)

    @property
    def _paths(self) -> tuple[tuple[str, ...], ...]:
        return (self.path,) if self.older is None else (self.path, self.older)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of service: `type` is its schema, `kind` its place in a class's URI and properties, `id` its own.

    `constant` values are always true of it. `caveat` introduces the properties that nothing enforces.
    """

    type: str
    version: str
    kind: str
    id: str
    name: str
    fields: tuple[Field, ...]
    caveat: str
    constant: Mapping[str, Any] = field(default_factory=dict)

    def said(self, properties: Properties) -> dict[str, Any]:
        """The line's own properties; empty where a profile asks for nothing of it."""
        said = {one.name: value for one in self.fields if (value := one.said(properties)) is not None}
        return {**said, **self.constant} if said else {}

    def changed(self, properties: Properties, values: Mapping[str, Any]) -> Properties:
        """The sections with these values (None takes one out); others stay. Raises ValueError as `Field.take`."""
        for one in self.fields:
            if one.name in values:
                properties = one.changed(properties, values[one.name])
        return properties

    def replaced(self, properties: Properties, values: Mapping[str, Any] | None) -> Properties:
        """The sections with exactly this line in them, or, for None, without it."""
        return self.changed(properties, {**{one.name: None for one in self.fields}, **(values or {})})

    def note(self, properties: Properties, unenforced: Sequence[str]) -> str | None:
        """Which of its properties nothing enforces, in a sentence."""
        idle = [one.name for one in self.fields if one.said(properties) is not None and one.named_in(unenforced)]
        return f"{self.caveat}: {', '.join(idle)}." if idle else None


def _amount(name: str, path: tuple[str, ...], factor: int = 1) -> Field:
    """A number in units of which a profile's has `factor`; 0 in a profile asks for nothing and is not said."""
    most = min(_LARGEST // factor, _LARGEST_AMOUNT) * factor
    write: JsonSchema = {"type": ["integer", "null"], "minimum": factor, "maximum": most, "multipleOf": factor}
    return Field(
        name,
        path,
        write,
        lambda amount: amount * factor if 0 < amount * factor <= most else None,
        lambda value: int(value) // factor,
    )


def _one_of(*words: str) -> JsonSchema:
    return {"type": ["string", "null"], "enum": [*words, None]}


def _if_one_of(*words: str) -> Callable[[Any], Any]:
    """Said as it is where Swordfish has the word."""
    known = frozenset(words)
    return lambda value: value if isinstance(value, str) and value in known else None


_ACCESS = ("OnlineActive", "OnlinePassive", "Nearline", "Offline")
_DOMAINS = ("Server", "Rack", "RackGroup", "Row", "Datacenter", "Region")
_REPLICAS = ("Mirror", "Snapshot", "Clone", "TokenizedClone")
_CAPABILITIES = ("Read", "Write", "Append", "Streaming", "Execute")
_DURATION: JsonSchema = {"type": ["string", "null"], "pattern": durations.PATTERN, "maxLength": 64}

_STORAGE = ("provisioningProperties", "dataStorage")
_CONNECTIVITY = ("provisioningProperties", "ioConnectivity")


def _protection(*section: str) -> tuple[Field, ...]:
    """The properties of a copy, wherever a profile asks for one."""
    return (
        Field("ReplicaType", (*section, "replicaType"), _one_of(*_REPLICAS), _if_one_of(*_REPLICAS)),
        Field("IsIsolated", (*section, "isIsolated"), {"type": ["boolean", "null"]}),
        Field("MinLifetime", (*section, "minLifetime"), _DURATION, durations.said),
        Field(
            "RecoveryGeographicObjective",
            (*section, "recoveryGeographicObjective"),
            _one_of(*_DOMAINS),
            _if_one_of(*_DOMAINS),
            older=(*section, "recoveryGeographicObject"),
        ),
        Field(
            "RecoveryPointObjectiveTime",
            (*section, "recoveryPointObjectiveTime"),
            _DURATION,
            durations.said,
            older=(*section, "recoveryPointObjective"),
        ),
        Field("RecoveryTimeObjective", (*section, "recoveryTimeObjective"), _one_of(*_ACCESS), _if_one_of(*_ACCESS)),
    )


def _one_protocol(names: Sequence[str]) -> str | None:
    return protocols.taken(names[0]) if names else None


def _whole_days(duration: str) -> int:
    days = durations.in_days(duration)
    if not days:
        raise ValueError("Snapshots are kept for whole days: write the lifetime as P1D or more.")
    return days


_NOT_ENFORCED = "Enforced only where the pool does it itself"
_NOT_DONE = "Kept, but carried out by nothing yet"

LINES: tuple[Line, ...] = (
    Line(
        type="DataStorageLineOfService",
        version="v1_3_1",
        kind="DataStorageLinesOfService",
        id="storage",
        name="Data storage",
        caveat=_NOT_ENFORCED,
        fields=(
            Field(
                "ProvisioningPolicy",
                (*_STORAGE, "provisioningPolicy"),
                _one_of("Fixed", "Thin"),
                lambda policy: "Thin" if policy == "Thin" else "Fixed",
                lambda policy: "Thin" if policy == "Thin" else "Thick",
            ),
            Field("IsSpaceEfficient", (*_STORAGE, "isSpaceEfficient"), {"type": ["boolean", "null"]}),
            Field(
                "RecoveryTimeObjectives",
                (*_STORAGE, "recoveryTimeObjective"),
                _one_of(*_ACCESS),
                _if_one_of(*_ACCESS),
            ),
            Field(
                "AccessCapabilities",
                (*_STORAGE, "storageAccessCapability"),
                {"type": ["array", "null"], "uniqueItems": True, "items": {"enum": list(_CAPABILITIES)}},
                lambda kinds: list(kinds) or None,
                lambda kinds: list(kinds) or None,
            ),
        ),
    ),
    Line(
        type="IOConnectivityLineOfService",
        version="v1_2_1",
        kind="IOConnectivityLinesOfService",
        id="connectivity",
        name="I/O connectivity",
        caveat=_NOT_ENFORCED,
        fields=(
            Field(
                "AccessProtocols",
                (*_CONNECTIVITY, "accessProtocol"),
                {"type": ["array", "null"], "maxItems": 1, "items": {"enum": list(protocols.KNOWN)}},
                lambda protocol: protocols.all_said([protocol]) or None,
                _one_protocol,
            ),
            _amount("MaxIOPS", (*_CONNECTIVITY, "maxIOPS")),
            _amount("MaxBytesPerSecond", (*_CONNECTIVITY, "maxBWS"), BYTES_IN_MEGABIT),
        ),
    ),
    Line(
        type="IOPerformanceLineOfService",
        version="v1_1_1",
        kind="IOPerformanceLinesOfService",
        id="performance",
        name="I/O performance",
        caveat=_NOT_ENFORCED,
        fields=(
            _amount("AverageIOOperationLatencyMicroseconds", (*_CONNECTIVITY, "latency"), MICROSECONDS_IN_MILLISECOND),
        ),
    ),
    Line(
        type="DataProtectionLineOfService",
        version="v1_3_0",
        kind="DataProtectionLinesOfService",
        id="snapshot",
        name="Snapshots",
        caveat=_NOT_DONE,
        constant={"ReplicaType": "Snapshot"},
        fields=(
            Field("Schedule", ("snapshotProperties", "schedule"), SNAPSHOTS, said_snapshots, taken_snapshots),
            Field(
                "MinLifetime",
                ("snapshotProperties", "retention", "duration"),
                _DURATION,
                lambda days: durations.of_days(days) if days else None,
                _whole_days,
            ),
        ),
    ),
    Line(
        type="DataProtectionLineOfService",
        version="v1_3_0",
        kind="DataProtectionLinesOfService",
        id="replication",
        name="Replication",
        caveat=_NOT_DONE,
        fields=(
            *_protection("replicationProperties", "dataProtection"),
            Field(
                "Schedule",
                ("replicationProperties", "replicaInfos", "replicationPeriod"),
                {
                    "type": ["object", "null"],
                    "additionalProperties": False,
                    "properties": {"RecurrenceInterval": _DURATION},
                },
                said_period,
                taken_period,
            ),
        ),
    ),
    Line(
        type="DataProtectionLineOfService",
        version="v1_3_0",
        kind="DataProtectionLinesOfService",
        id="backup",
        name="Backup",
        caveat=_NOT_DONE,
        fields=_protection("dataProtectionProperties", "dataProtection"),
    ),
)
"""Every line of service that there is, in the order in which classes show them."""

KINDS: Mapping[str, tuple[Line, ...]] = {
    line.kind: tuple(other for other in LINES if other.kind == line.kind) for line in LINES
}
"""The lines by kind."""


_PASSED_OVER: Mapping[str, JsonSchema] = {
    "Name": {"type": "string"},
    "Description": {"type": "string"},
    "@odata.id": {},
    "@odata.type": {},
    "@odata.etag": {},
}
"""What a client that sends a line back as it was read has in it besides."""

SCHEMAS: Mapping[str, JsonSchema] = {
    line.id: {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: {"enum": [value]} for name, value in line.constant.items()},
            **{one.name: one.write for one in line.fields},
            **_PASSED_OVER,
            "Id": {"enum": [line.id]},
        },
    }
    for line in LINES
}
"""What is taken for a line, by its id."""


def line_meant(kind: str, values: Mapping[str, Any]) -> Line:
    """Which line a client means: the one with this `Id`; without one, copies are told apart by their kind.

    A mirror is replication, a snapshot a snapshot, anything else a backup.
    """
    lines = KINDS[kind]
    named = next((line for line in lines if line.id == values.get("Id")), None)
    if named is not None or len(lines) == 1:
        return named or lines[0]
    wanted = {"Snapshot": "snapshot", "Mirror": "replication"}.get(str(values.get("ReplicaType")), "backup")
    return next(line for line in lines if line.id == wanted)


def _at(properties: Properties, path: Sequence[str]) -> Any:
    value: Any = properties
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _with(properties: Properties, path: Sequence[str], value: Any) -> dict[str, Any]:
    name, rest = path[0], path[1:]
    return {**properties, name: value if not rest else _with(properties.get(name, {}), rest, value)}


def _without(properties: Properties, path: Sequence[str]) -> dict[str, Any]:
    """The sections less a value that is there, and less the objects that it leaves empty."""
    name, rest = path[0], path[1:]
    left = _without(properties[name], rest) if rest else {}
    others = {key: value for key, value in properties.items() if key != name}
    return {**others, name: left} if left else others
