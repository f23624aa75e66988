"""Figures of a pool and of a storage service are sums of what was measured of volumes; what one may not see hides it
from nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from isthmus.core.context import Context
from isthmus.core.errors import NotFound
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.measurement import Measurement
from isthmus.plugins.swordfish.resources import volume_facts
from isthmus.plugins.swordfish.telemetry.reports import summed_statistics
from tests.environment.nouns import make_volume


def storage_of(*read_kibibytes: int | None) -> Any:
    """A storage system with attached volumes `v0`, `v1` …, of which hosts read so much; None: nobody counts."""
    volumes = {f"v{number}": make_volume(id=f"v{number}", pool="p") for number in range(len(read_kibibytes))}

    def history(kind: str, identifier: str) -> list[Measurement]:
        read = read_kibibytes[int(identifier[1:])]
        return [Measurement("volume", identifier, now(), read_bytes=None if read is None else read * 1024)]

    attached = [SimpleNamespace(volume=identifier) for identifier in (*volumes, *volumes)]
    return SimpleNamespace(
        context=Context(None, "u", frozenset({"admin"})),
        attachments=SimpleNamespace(list=lambda query: SimpleNamespace(items=attached)),
        volumes=SimpleNamespace(get=volumes.__getitem__),
        metrics=SimpleNamespace(history=history),
    )


def test_each_volume_counts_once_however_often_it_is_attached() -> None:
    assert summed_statistics(storage_of(3, 4), lambda volume: True) == {"ReadIOKiBytes": 7}


def test_only_what_is_wanted_is_counted() -> None:
    assert summed_statistics(storage_of(3, 4), lambda volume: volume.id == "v1") == {"ReadIOKiBytes": 4}


def test_where_nobody_counts_there_is_no_figure() -> None:
    assert summed_statistics(storage_of(None), lambda volume: True) is None
    assert summed_statistics(storage_of(3), lambda volume: False) is None


def test_what_one_caller_may_not_see_is_there_for_the_next() -> None:
    def hidden(identifier: str) -> Any:
        raise NotFound("None.")

    identifier = new_id()
    assert volume_facts._lately(hidden, identifier) is None
    assert volume_facts._lately(lambda wanted: wanted, identifier) == identifier
