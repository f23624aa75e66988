"""The few highest of many values, without sorting them all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A sample of so many values tells where the highest begin; a larger one where there are more values than `_MANY`.
_SAMPLE, _LARGER = 128, 512
_MANY = 4096


def highest(values: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The places of the `count` highest values, highest first; all places when there are no more."""
    total = len(values)
    if total > 4 * _SAMPLE:
        sample = values[:: total // (_SAMPLE if total <= _MANY else _LARGER)]
        # A few times `count` values can be expected above this one; if fewer are, all are looked at.
        rank = min(len(sample), max(1, 4 * count * len(sample) // total))
        threshold = np.partition(sample, len(sample) - rank)[len(sample) - rank]
        places = (values >= threshold).nonzero()[0]
        if count <= len(places) < total:
            found: NDArray[np.intp] = places.take(highest(values.take(places), count))
            return found
    if total <= count:
        return values.argsort(kind="stable")[::-1]
    top = values.argpartition(total - count)[total - count :]
    return top.take(values.take(top).argsort(kind="stable")[::-1])
