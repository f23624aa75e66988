"""One populated service for all modules that only look at it, or that may leave more in it than they found.

They are of one group, `populated`, so that one process runs them: the service has ports of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.swordfish.populated import Populated
from tests.integration.swordfish.populated import populated as serve


@pytest.fixture(scope="session")
def populated() -> Iterator[Populated]:
    # Not below pytest's folders, which the daemons' account may not enter.
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-populated-", dir="/var/tmp") as folder,
        serve(Path(folder)) as made,
    ):
        yield made
