"""An array and a vCenter with two hosts that reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.environment import iscsi
from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.storage import libiscsi

from . import array as arrays
from .array import Array
from .esx import Esx

REASON = iscsi.missing() or libiscsi.missing()


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    if REASON:
        pytest.skip(REASON)
    with arrays.array() as running:
        yield running


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter() as running:
        yield running


@pytest.fixture
def service(vc: VCenter) -> Any:
    return client.connect(vc)


@pytest.fixture
def hosts(service: Any) -> list[Esx]:
    content = service.RetrieveContent()
    return [Esx(each) for each in content.rootFolder.childEntity[0].hostFolder.childEntity[0].host]


@pytest.fixture
def esx(hosts: list[Esx]) -> Esx:
    return hosts[0]
