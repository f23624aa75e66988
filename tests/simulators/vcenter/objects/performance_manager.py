"""PerformanceManager: counters, and series that a test puts in."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import invalid_argument, vim
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_Manager = vim.PerformanceManager
REFRESH_SECONDS = 20
# Key, group, name, unit, rollup; the names and units are a real vCenter's, the keys are its own affair.
_COUNTERS = (
    (2, "cpu", "usage", "percent", "average"),
    (24, "mem", "usage", "percent", "average"),
    (178, "datastore", "numberReadAveraged", "number", "average"),
    (179, "datastore", "numberWriteAveraged", "number", "average"),
    (180, "datastore", "read", "kiloBytesPerSecond", "average"),
    (181, "datastore", "write", "kiloBytesPerSecond", "average"),
    (182, "datastore", "totalReadLatency", "millisecond", "average"),
    (183, "datastore", "totalWriteLatency", "millisecond", "average"),
    (266, "disk", "used", "kiloBytes", "latest"),
    (267, "disk", "provisioned", "kiloBytes", "latest"),
    (268, "disk", "capacity", "kiloBytes", "latest"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one counter: the last one at `end`, `interval` seconds between two."""

    values: tuple[int, ...]
    end: datetime
    interval: int

    def between(self, begin: datetime | None, end: datetime | None) -> list[tuple[datetime, int]]:
        """The samples within (begin, end]."""
        first = self.end - timedelta(seconds=self.interval * (len(self.values) - 1))
        timed = [(first + timedelta(seconds=self.interval * at), value) for at, value in enumerate(self.values)]
        return [each for each in timed if (begin is None or each[0] > begin) and (end is None or each[0] <= end)]


class PerformanceManager(Managed):
    """Knows of an entity what `put` put in, and nothing else."""

    KIND = vim.PerformanceManager

    def __init__(self, vc: VCenter, moid: str) -> None:
        super().__init__(vc, moid)
        self._series: dict[str, dict[tuple[int, str], Series]] = {}
        self._keys = {f"{group}.{name}.{rollup}": key for key, group, name, _, rollup in _COUNTERS}

    def put(
        self,
        entity: Managed,
        counter: str,
        samples: Sequence[int],
        *,
        instance: str = "",
        interval: int = REFRESH_SECONDS,
    ) -> None:
        """A series of an entity (`datastore.totalReadLatency.average`), its last sample now. Replaces the old one."""
        series = Series(tuple(samples), self.vc.clock.now().replace(microsecond=0), interval)
        with self.vc.model.change():
            self._series.setdefault(entity.moid, {})[self._keys[counter], instance] = series

    @computed("perfCounter")
    def counters(self, session: Session | None) -> list[Any]:
        """The counters there are."""
        return [
            _Manager.CounterInfo(
                key=key,
                nameInfo=vim.ElementDescription(key=name, label=name, summary=name),
                groupInfo=vim.ElementDescription(key=group, label=group, summary=group),
                unitInfo=vim.ElementDescription(key=unit, label=unit, summary=unit),
                rollupType=rollup,
                statsType="absolute",
                level=1,
                perDeviceLevel=3,
            )
            for key, group, name, unit, rollup in _COUNTERS
        ]

    @computed("historicalInterval")
    def intervals(self, session: Session | None) -> list[Any]:
        """The past day in steps of five minutes, as by default."""
        interval = vim.HistoricalInterval(
            key=1, samplingPeriod=300, name="Past day", length=86400, level=1, enabled=True
        )
        return [interval]

    def QueryPerfProviderSummary(self, call: Call, entity: Any) -> Any:
        return _Manager.ProviderSummary(
            entity=entity, currentSupported=True, summarySupported=True, refreshRate=REFRESH_SECONDS
        )

    def QueryPerfCounter(self, call: Call, keys: list[int]) -> list[Any]:
        known = {each.key: each for each in self.counters(call.session)}
        if not set(keys) <= set(known):
            raise invalid_argument("counterId", "There is no such counter")
        return [known[key] for key in keys]

    def QueryAvailablePerfMetric(
        self, call: Call, entity: Any, begin: datetime | None, end: datetime | None, interval: int | None
    ) -> list[Any]:
        found = self._series.get(entity._moId, {})
        return [_Manager.MetricId(counterId=key, instance=instance) for key, instance in found]

    def QueryPerf(self, call: Call, specs: list[Any]) -> list[Any]:
        with self.vc.model.condition:
            answers = [self._answer(call, spec) for spec in specs]
        return [each for each in answers if each is not None]

    def _answer(self, call: Call, spec: Any) -> Any | None:
        entity = self.vc.find(spec.entity, call.session)
        self.vc.rights.demand(call.session, entity, "System.Read")
        chosen = []
        for (key, instance), series in self._series.get(entity.moid, {}).items():
            asked = not spec.metricId or any(
                each.counterId == key and each.instance in ("*", instance) for each in spec.metricId
            )
            if asked and (spec.intervalId is None or spec.intervalId == series.interval):
                samples = series.between(spec.startTime, spec.endTime)
                newest = samples[-spec.maxSample :] if spec.maxSample else samples
                chosen.append((_Manager.MetricId(counterId=key, instance=instance), series.interval, newest))
        if not chosen:
            return None
        times = max((samples for *_, samples in chosen), key=len)
        if spec.format == "csv":
            return self._csv(entity, times, chosen)
        return _Manager.EntityMetric(
            entity=entity.ref,
            sampleInfo=[_Manager.SampleInfo(timestamp=when, interval=chosen[0][1]) for when, _ in times],
            value=[
                _Manager.IntSeries(id=metric, value=[value for _, value in samples]) for metric, _, samples in chosen
            ],
        )

    @staticmethod
    def _csv(entity: Managed, times: list[tuple[datetime, int]], chosen: list[Any]) -> Any:
        return _Manager.EntityMetricCSV(
            entity=entity.ref,
            sampleInfoCSV=",".join(f"{chosen[0][1]},{when.strftime('%Y-%m-%dT%H:%M:%SZ')}" for when, _ in times),
            value=[
                _Manager.MetricSeriesCSV(id=metric, value=",".join(str(value) for _, value in samples))
                for metric, _, samples in chosen
            ],
        )
