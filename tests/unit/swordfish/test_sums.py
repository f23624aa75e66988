"""Figures of a pool and of a storage service are sums of what was measured of volumes; what one may not see hides it
from nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from isthmus.core.context import Context
from isthmus.core.errors import NotFound
from isthmus.core.model.attachment import AttachmentState
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.measurement import Measurement
from isthmus.core.model.page import Page, Query
from isthmus.plugins.swordfish.resources import volume_facts
from isthmus.plugins.swordfish.telemetry.reports import REPORTS, summed_statistics, values
from tests.environment.nouns import make_volume

NOT_SAMPLED = object()


def storage_of(*read_kibibytes: Any, page: int = 1000, gone: tuple[str, ...] = (), written: int | None = None) -> Any:
    """A storage system with volumes `v0`, `v1` …, each attached twice, of which hosts read so much; None: nobody
    counts. Lists come in pages of `page`; volumes that are `gone` are listed with their attachments only."""
    volumes = {f"v{number}": make_volume(id=f"v{number}", pool="p") for number in range(len(read_kibibytes))}

    def history(kind: str, identifier: str) -> list[Measurement]:
        read = read_kibibytes[int(identifier[1:])]
        if read is NOT_SAMPLED:
            return []
        count = None if read is None else read * 1024
        return [Measurement("volume", identifier, now(), read_bytes=count, written_operations=written)]

    def get(identifier: str) -> Any:
        if identifier in gone:
            raise NotFound("It was there a moment ago.")
        return volumes[identifier]

    attached = [
        SimpleNamespace(volume=identifier, state=AttachmentState.ATTACHED) for identifier in (*volumes, *volumes)
    ]
    attached += [SimpleNamespace(volume="none", state=AttachmentState.ATTACHING)]

    def listed(query: Query) -> Page[Any]:
        start = int(query.cursor or 0)
        end = start + min(page, query.limit)
        return Page(attached[start:end], str(end) if end < len(attached) else None)

    return SimpleNamespace(
        context=Context(None, "u", frozenset({"admin"})),
        attachments=SimpleNamespace(list=listed),
        volumes=SimpleNamespace(get=get),
        metrics=SimpleNamespace(history=history),
    )


def test_each_volume_counts_once_however_often_it_is_attached() -> None:
    assert summed_statistics(storage_of(3, 4), lambda volume: True) == {"ReadIOKiBytes": 7}


def test_only_what_is_wanted_is_counted() -> None:
    assert summed_statistics(storage_of(3, 4, NOT_SAMPLED), lambda volume: volume.id == "v1") == {"ReadIOKiBytes": 4}


def test_what_does_not_fit_on_a_page_of_the_list_is_counted_too() -> None:
    assert summed_statistics(storage_of(1, 2, 4, 8, page=3), lambda volume: True) == {"ReadIOKiBytes": 15}


def test_where_nobody_counts_there_is_no_figure() -> None:
    assert summed_statistics(storage_of(None), lambda volume: True) is None
    assert summed_statistics(storage_of(3), lambda volume: False) is None


def test_the_sum_of_a_part_is_not_told_as_that_of_the_whole() -> None:
    assert summed_statistics(storage_of(3, NOT_SAMPLED), lambda volume: True) is None
    assert summed_statistics(storage_of(3, None), lambda volume: True) is None
    assert summed_statistics(storage_of(3, None, written=5), lambda volume: True) == {"WriteIORequests": 10}


def test_a_volume_that_goes_while_figures_are_added_up_is_left_out() -> None:
    storage = storage_of(3, 4, gone=("v0",))
    assert summed_statistics(storage, lambda volume: True) == {"ReadIOKiBytes": 4}
    (found, _) = values(REPORTS["Volumes"], storage)
    assert [(one["MetricId"], one["MetricValue"]) for one in found] == [("VolumeReadKibibytes", "4")]


def test_what_one_caller_may_not_see_is_there_for_the_next() -> None:
    def hidden(identifier: str) -> Any:
        raise NotFound("None.")

    identifier = new_id()
    assert volume_facts._lately(hidden, identifier) is None
    assert volume_facts._lately(lambda wanted: wanted, identifier) == identifier
