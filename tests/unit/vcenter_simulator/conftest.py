"""A small vCenter, and an administrator's session with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.vcenter import VCenter, client

from .people import specification


@pytest.fixture
def vc() -> Iterator[VCenter]:
    """Running, with users of different rights."""
    with VCenter(specification()) as running:
        yield running


@pytest.fixture
def service(vc: VCenter) -> Any:
    """An administrator's ServiceInstance."""
    return client.connect(vc)
