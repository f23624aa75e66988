"""A profile compiled to what pools are matched by, and to the list of what nothing enforces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.profile import Profile
from ..model.protection import Protection
from .capabilities import Capabilities, Value, number
from .schema import check, invalid, pointer
from .selector import Selector

_CUSTOM_PREFIX = "capabilities:"
_MULTI_ATTACH = "multiAttach"
#: Sections of which no layer carries out anything.
_NOT_CARRIED_OUT = ("replicationProperties", "dataProtectionProperties")


@dataclass(frozen=True, slots=True)
class Level:
    """A service level: a figure of the profile that is compared with the pool's figure of the same name.

    `path` is its dotted name in the profile, `key` the pool's capability. `upwards`: the pool's figure must not
    be smaller than `wanted`, otherwise not larger; a text must be equal. `limit`: it bounds what a volume may use,
    so a back end that enforces it must not allow more.
    """

    path: str
    key: str
    wanted: int | float | str
    upwards: bool = False
    limit: bool = False

    @property
    def name(self) -> str:
        """The name under which a pool lists it in `advanced.enforces`."""
        return self.key.rpartition(".")[2]

    def text(self) -> str:
        sign = "s==" if isinstance(self.wanted, str) else ">=" if self.upwards else "<="
        return f"{sign} {self.wanted}"

    def suits(self, value: Value) -> bool:
        """Whether a reported figure is good enough; one that is not comparable is not."""
        if isinstance(self.wanted, str):
            return isinstance(value, str) and value.strip() == self.wanted
        figure = number(value)
        return figure is not None and (figure >= self.wanted if self.upwards else figure <= self.wanted)

    def enforced_by(self, capabilities: Capabilities) -> bool:
        """Whether the back end holds each volume of such a pool to this level by itself."""
        value = capabilities.get(self.key)
        if self.name not in capabilities.enforces or value is None or not self.suits(value):
            return False
        # The pool's figure is what it enforces: for a limit, a larger one would let a volume have more.
        return not self.limit or number(value) == self.wanted


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a profile asks of a pool.

    Exact keys: `storage_type` (block, file, object), `protocol` (None: any), `thin`, `zone` (None: any).
    `selectors` are (dotted capability key, selector) and must all match. `levels` are compared where the pool
    reports the figure. `abilities` are those the pool's driver must have. `multi_attach`: several hosts may have
    the volume at once. `strict`: the profile says `"enforcement": "required"`, so each level must be reported and
    enforced by the pool. `unenforced` names the properties that nothing enforces unless a pool says that it does
    (see `unenforced_on`). `key` is equal only for requirements that match the same capabilities.
    """

    profile: str
    storage_type: str = "block"
    protocol: str | None = None
    thin: bool = True
    zone: str | None = None
    selectors: tuple[tuple[str, Selector], ...] = ()
    levels: tuple[Level, ...] = ()
    abilities: tuple[str, ...] = ()
    multi_attach: bool = False
    strict: bool = False
    unenforced: tuple[str, ...] = ()
    key: str = field(init=False)

    def __post_init__(self) -> None:
        selected = sorted([key, selector.text] for key, selector in self.selectors)
        levels = sorted([level.key, level.text(), str(level.limit)] for level in self.levels)
        text = json.dumps([self.storage_type, selected, levels, self.strict])
        object.__setattr__(self, "key", hashlib.sha256(text.encode()).hexdigest())

    @classmethod
    def of(cls, profile: Profile) -> Requirement:
        """Compile a profile; raises `Invalid` as `compiled` does. The latest few hundred are kept."""
        kept = _recent.get(profile.id)
        if kept is not None and kept[0] == profile:
            return kept[1]
        found = compiled(profile.properties, profile.name, profile.storage_type)
        if len(_recent) >= _RECENT_PROFILES:
            _recent.clear()
        _recent[profile.id] = (profile, found)
        return found

    def matches(self, capabilities: Capabilities) -> bool:
        """Whether storage type, selectors and levels hold for a pool with these capabilities."""
        return next(self._failures(capabilities), None) is None

    def failures(self, capabilities: Capabilities) -> list[dict[str, Any]]:
        """What does not hold, each as {"capability", "wanted", "has"}; `has` is None where nothing is reported."""
        return list(self._failures(capabilities))

    def unenforced_on(self, capabilities: Capabilities) -> tuple[str, ...]:
        """The names in `unenforced`, less those that a pool with these capabilities enforces."""
        enforced = {level.path for level in self.levels if level.enforced_by(capabilities)}
        return tuple(name for name in self.unenforced if name not in enforced)

    def _failures(self, capabilities: Capabilities) -> Iterator[dict[str, Any]]:
        if self.storage_type not in capabilities.storage_types:
            has = sorted(capabilities.storage_types)
            yield {"capability": "storageType", "wanted": self.storage_type, "has": has}
        for key, selector in self.selectors:
            value = capabilities.get(key)
            if not selector.matches(value):
                yield {"capability": key, "wanted": selector.text, "has": _plain(value)}
        for level in self.levels:
            value = capabilities.get(level.key)
            if value is not None and not level.suits(value):
                yield {"capability": level.key, "wanted": level.text(), "has": _plain(value)}
            elif self.strict and not level.enforced_by(capabilities):
                yield {"capability": level.key, "wanted": f"{level.text()}, enforced", "has": _plain(value)}


_RECENT_PROFILES = 512
_recent: dict[str, tuple[Profile, Requirement]] = {}


def compiled(properties: Mapping[str, Any], profile: str, storage_type: str = "block") -> Requirement:
    """Check `properties` and compile them to a `Requirement`; `profile` is the name used in sentences.

    Raises `Invalid`, with JSON pointers in `details["faults"]`, for a document outside the schema, a selector that
    cannot be read, and, where the document says `"enforcement": "required"`, each property that nothing enforces.
    """
    check(properties)
    custom: Mapping[str, Any] = properties.get("customProperties", {})
    provisioning: Mapping[str, Any] = properties.get("provisioningProperties", {})
    Protection.of(properties.get("snapshotProperties", {}))
    storage: Mapping[str, Any] = provisioning.get("dataStorage", {})
    connectivity: Mapping[str, Any] = provisioning.get("ioConnectivity", {})
    strict = properties.get("enforcement") == "required"
    selectors = [*_storage_selectors(storage, storage_type), *_custom_selectors(custom)]
    multi_attach = (_MULTI_ATTACH, Selector.parse(True)) in selectors
    levels = (*_storage_levels(storage), *_connectivity_levels(connectivity))
    idle = tuple(_idle(properties, storage_type))
    if strict and idle:
        sentence = "nothing enforces this, and the profile says that enforcement is required"
        raise invalid("the profile", [{"path": pointer(path), "message": sentence} for path in idle])
    protocol = connectivity.get("accessProtocol")
    return Requirement(
        profile=profile,
        storage_type=storage_type,
        protocol=protocol.lower() if protocol else None,
        thin=storage.get("provisioningPolicy", "Thin") == "Thin",
        zone=custom.get("availabilityZone"),
        selectors=tuple(selectors),
        levels=levels,
        abilities=("snapshot",) if any(_leaves(properties.get("snapshotProperties", {}), ())) else (),
        multi_attach=multi_attach,
        strict=strict,
        unenforced=(*(level.path for level in levels), *(".".join(path) for path in idle)),
    )


def _storage_selectors(storage: Mapping[str, Any], storage_type: str) -> Iterator[tuple[str, Selector]]:
    for name in ("isSpaceEfficient", "compression", "deduplication"):
        if name in storage:
            yield f"dataStorage.{name}", Selector.parse(bool(storage[name]))
    if storage_type == "file" and storage.get("characterCodeSet"):
        yield "dataStorage.characterCodeSet", Selector.parse(f"s== {storage['characterCodeSet']}")
    if storage_type == "file" and storage.get("maxFileNameLengthBytes"):
        yield "dataStorage.maxFileNameLengthBytes", Selector.parse(f">= {storage['maxFileNameLengthBytes']}")
    if storage_type != "block":
        for kind in storage.get("storageAccessCapability", ()):
            yield "dataStorage.storageAccessCapability", Selector.parse(f"<in> {kind}")


def _custom_selectors(custom: Mapping[str, Any]) -> Iterator[tuple[str, Selector]]:
    faults: list[dict[str, str]] = []
    for key, written in custom.items():
        if not key.startswith(_CUSTOM_PREFIX):
            continue
        path = pointer(("customProperties", key))
        name = key.removeprefix(_CUSTOM_PREFIX).strip().removeprefix("extras.")
        if not name:
            faults.append({"path": path, "message": "names no capability"})
            continue
        try:
            selector = Selector.parse(written)
        except ValueError as error:
            faults.append({"path": path, "message": str(error)})
            continue
        if name != _MULTI_ATTACH:
            yield name, selector
        elif (wanted := _wants_true(selector)) is None:
            faults.append({"path": path, "message": "multiAttach is asked for as `<is> true` or `<is> false`"})
        elif wanted:
            yield name, Selector.parse(True)
    if faults:
        raise invalid("the profile's properties", faults)


def _wants_true(selector: Selector) -> bool | None:
    if selector.operator == "<is>":
        return bool(selector.operand)
    return {"true": True, "false": False}.get(selector.text.lower())


def _storage_levels(storage: Mapping[str, Any]) -> Iterator[Level]:
    if wanted := storage.get("recoveryTimeObjective"):
        yield Level(
            "provisioningProperties.dataStorage.recoveryTimeObjective", "dataStorage.recoveryTimeObjective", wanted
        )


def _connectivity_levels(connectivity: Mapping[str, Any]) -> Iterator[Level]:
    for name in ("maxIOPS", "minIOPS", "maxBWS", "minBWS", "latency"):
        if wanted := connectivity.get(name):
            yield Level(
                f"provisioningProperties.ioConnectivity.{name}",
                f"ioConnectivity.{name}",
                wanted,
                upwards=name != "latency",
                limit=name in ("maxIOPS", "maxBWS"),
            )


def _idle(properties: Mapping[str, Any], storage_type: str) -> Iterator[tuple[str, ...]]:
    """The paths of what is asked for and neither placement nor any back end carries out."""
    storage = properties.get("provisioningProperties", {}).get("dataStorage", {})
    matched_for = {
        "characterCodeSet": ("file",),
        "maxFileNameLengthBytes": ("file",),
        "storageAccessCapability": ("file", "object"),
    }
    for name, types in matched_for.items():
        if storage.get(name) and storage_type not in types:
            yield "provisioningProperties", "dataStorage", name
    for section in _NOT_CARRIED_OUT:
        yield from _leaves(properties.get(section, {}), (section,))
    snapshots = properties.get("snapshotProperties", {})
    scheduled = storage_type == "block" and Protection.of(snapshots) is not None
    for path in _leaves(snapshots, ("snapshotProperties",)):
        if not scheduled or path[1] not in ("schedule", "retention"):
            yield path
    for key in properties.get("customProperties", {}):
        if not key.startswith(_CUSTOM_PREFIX) and key != "availabilityZone":
            yield "customProperties", key


def _leaves(document: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        elif value:
            yield (*path, key)


def _plain(value: Value | None) -> Any:
    return list(value) if isinstance(value, tuple) else value
