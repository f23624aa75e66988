"""What is sampled is kept for a while and in order, and a back end that fails leaves a hole and holds nobody up."""

from __future__ import annotations

import pytest

from isthmus.core.errors import Failed, Forbidden, NotFound, Transient
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.measurement import Measurement
from isthmus.core.telemetry import sampling
from isthmus.core.telemetry.history import History
from isthmus.core.telemetry.sampling import Sampler
from tests.contract.patience import eventually
from tests.environment.engine import done
from tests.unit.engine.bench import Bench


def measured(resource: str, allocated: int) -> Measurement:
    return Measurement("volume", resource, now(), allocated_bytes=allocated)


def test_of_each_thing_the_last_ones_are_kept() -> None:
    history = History(3)
    for number in range(5):
        history.keep(measured("a", number))
    history.keep(measured("b", 7))
    assert [each.allocated_bytes for each in history.of("a")] == [2, 3, 4]
    assert [each.allocated_bytes for each in history.of("b")] == [7]
    assert history.of("c") == ()
    history.forget_others(["b"])
    assert history.of("a") == () and len(history.of("b")) == 1


def test_how_much_is_kept_is_bounded_whatever_the_interval(bench: Bench) -> None:
    metering = bench.engine.sampler._metering
    for interval, volumes, pools in ((60.0, 60, 288), (1.0, 360, 288), (7200.0, 2, 12), (0.0, 2, 288)):
        sampler = Sampler(bench.engine.parts, metering, interval)
        assert (sampler.volumes._most, sampler.pools._most) == (volumes, pools)


def test_attached_volumes_and_pools_are_sampled_and_others_are_not(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    attached, idle = bench.volume("attached"), bench.volume("idle")
    attachment = bench.attach(attached, bench.host())
    for _ in range(2):
        engine.sampler.sample()
    samples = engine.metrics.history(root, "volume", attached)
    assert len(samples) == 2 and samples[0].at < samples[1].at
    assert samples[0].series == samples[1].series
    assert engine.metrics.history(root, "volume", idle) == ()
    pools = [pool.id for pool in engine.pools.list(root).items]
    assert [len(engine.metrics.history(root, "pool", pool)) for pool in pools] == [1, 1], "pools take their time"
    done(engine, engine.attachments.delete(root, attachment))
    engine.sampler.sample()
    assert engine.metrics.history(root, "volume", attached) == (), "what is detached is forgotten"


def test_a_back_end_that_fails_is_asked_once_a_round(bench: Bench) -> None:
    for number in range(3):
        bench.attach(bench.volume(f"v{number}"), bench.host(f"h{number}"))
    asked = []

    def fail(self: object, placement: str, reference: object) -> None:
        asked.append(placement)
        raise Failed("The array is broken.")

    bench.driver.meter = fail  # type: ignore[method-assign]
    bench.engine.sampler.sample()
    assert len(asked) == 1


def test_more_volumes_than_the_most_are_not_sampled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_VOLUMES", 2)
    volumes = [bench.volume(f"v{number}") for number in range(3)]
    for volume in volumes:
        bench.attach(volume, bench.host(volume))
    bench.engine.sampler.sample()
    assert [len(bench.engine.metrics.history(bench.root, "volume", volume)) for volume in volumes] == [1, 1, 0]


def test_it_goes_on_by_itself_after_errors_and_ends_when_told(bench: Bench) -> None:
    volume = bench.volume()
    bench.attach(volume, bench.host())
    sampler = Sampler(bench.engine.parts, bench.engine.sampler._metering, 0.01)
    errors = [Transient("not now"), RuntimeError("a defect")]
    real = sampler._sample_volumes

    def first_fail() -> None:
        if errors:
            raise errors.pop()
        real()

    sampler._sample_volumes = first_fail  # type: ignore[method-assign]
    sampler.start()
    try:
        eventually(lambda: len(sampler.volumes.of(volume)) >= 2, "samples are taken")
    finally:
        sampler.stop(10)
    assert sampler._thread is not None and not sampler._thread.is_alive()


def test_a_history_is_for_those_who_may_read_the_thing(bench: Bench) -> None:
    volume = bench.volume()
    stranger, nobody = bench.tenant("strangers", "member"), bench.user(None, "service")
    with pytest.raises(NotFound):
        bench.engine.metrics.history(stranger, "volume", volume)
    with pytest.raises((NotFound, Forbidden)):
        bench.engine.metrics.history(nobody, "volume", volume)
    with pytest.raises(NotFound):
        bench.engine.metrics.history(bench.root, "pool", new_id())
