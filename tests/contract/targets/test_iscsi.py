"""The iscsi target keeps every promise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ...environment.iscsi import missing
from .iscsi_bench import IscsiBench, folder
from .target import TargetBench, TargetSuite

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing())]


class TestIscsi(TargetSuite):
    @pytest.fixture
    def bench(self) -> Iterator[TargetBench]:
        for path in folder():
            yield IscsiBench(path)
