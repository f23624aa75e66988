"""How the objects of a driver reach hosts: by the driver itself, or by the targets of its node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ..errors import NotOffered
from ..model.attachment import Connection
from ..targets.contract import Counts, Target
from .contract import Allocated, Counters, Driver, Export, Grant, Metered, Meters, Publishes, Resized, Serves


class Publisher:
    """All ways in which one driver's objects can be published on this node, by protocol.

    `targets` are the node's, by protocol and started; `missing` names the protocols whose target could not start,
    with the reason. What the driver publishes by itself goes before a target of the same protocol.
    """

    def __init__(self, driver: Driver, targets: Mapping[str, Target], missing: Mapping[str, str]) -> None:
        self._driver = driver
        self._targets = targets
        self._missing = missing

    def protocols(self) -> tuple[str, ...]:
        """The protocols that work here and now, sorted."""
        return tuple(sorted(protocol for protocol, way in self._ways().items() if not isinstance(way, str)))

    def refusals(self) -> Mapping[str, str]:
        """The other protocols of this node, each with the reason why this driver's objects are not published so."""
        return {protocol: way for protocol, way in self._ways().items() if isinstance(way, str)}

    def for_protocol(self, protocol: str) -> Publishes:
        """What publishes over `protocol`. Raises `NotOffered` with the reason."""
        way = self._ways().get(protocol, "neither the driver nor a target of this node speaks it")
        if isinstance(way, str):
            raise NotOffered(
                f"{self._driver.name} is not published over {protocol}: {way}",
                next_step="choose another protocol or another pool",
                protocol=protocol,
            )
        return way

    def meter(self, export: Export, protocols: Collection[str]) -> Metered | None:
        """What the driver measures of the object, and what is counted where it is published over `protocols`.

        None when the driver says that there is no such object. Counters are None when one of the protocols does not
        count: the others' sum would pass for the whole.
        """
        found: Metered | None = Metered()
        if isinstance(self._driver, Meters):
            found = self._driver.meter(export.placement, export.reference)
        if found is None:
            return None
        counters = found.counters
        ways = self._ways()
        for protocol in sorted(protocols):
            way = ways.get(protocol)
            if found.counters is not None and way is not None and not isinstance(way, str | Served):
                # The driver publishes it by itself, and has counted.
                continue
            counted = way.count(export) if isinstance(way, Served) else None
            if counted is None:
                return Metered(found.allocated)
            counters = counted if counters is None else counters.plus(counted)
        return Metered(found.allocated, counters)

    def _ways(self) -> Mapping[str, Publishes | str]:
        """By protocol: what publishes, or the reason against it."""
        ways: dict[str, Publishes | str] = dict(self._missing)
        for protocol, target in self._targets.items():
            ways[protocol] = self._way(target)
        if isinstance(self._driver, Publishes):
            ways.update(dict.fromkeys(self._driver.protocols(), self._driver))
        return ways

    def _way(self, target: Target) -> Publishes | str:
        if not isinstance(self._driver, Serves):
            return f"driver {self._driver.name} serves no files or devices of this node"
        reason = self._driver.forms().get(target.form, f"driver {self._driver.name} has no form {target.form}")
        return reason or Served(self._driver, target)


def publisher(driver: Driver, targets: Mapping[str, Target], missing: Mapping[str, str] | None = None) -> Publisher:
    """Compose `driver` with the targets of its node."""
    return Publisher(driver, targets, missing or {})


@dataclass(frozen=True, slots=True)
class Served:
    """A driver that serves devices and a target that publishes them, together: `Publishes` with one protocol.

    A killed call leaves nothing that the same call, or a withdraw, does not put right.
    """

    driver: Serves
    target: Target

    def protocols(self) -> Sequence[str]:
        return (self.target.protocol,)

    def grant(self, export: Export, grant: Grant) -> Connection:
        device = self.driver.device(export.placement, export.reference, self.target.form)
        return self.target.grant(export, device, grant)

    def withdraw(self, export: Export, attachment: str) -> None:
        self.target.withdraw(export, attachment)
        if not self.target.granted(export):
            self.driver.release(export.placement, export.reference)

    def granted(self, export: Export) -> frozenset[str]:
        return self.target.granted(export)

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        if not self.target.granted(export):
            return Resized(grow(), online=True)
        return self.target.resize(export, grow)

    def count(self, export: Export) -> Counters | None:
        """As `Counts.count`; None as well where the target does not count."""
        return self.target.count(export) if isinstance(self.target, Counts) else None
