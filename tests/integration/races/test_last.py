"""200 clients want the last of something: as many get it as there is, and the others are told why not."""

from __future__ import annotations

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import LimitExceeded, NoPlacement
from isthmus.core.model.operation import Operation
from isthmus.core.model.request import VolumeRequest
from isthmus.core.store import nouns
from tests.environment.engine import done
from tests.integration.races.crowd import all_at_once, furnish, storage

pytestmark = pytest.mark.timeout(300)

CLIENTS = 200
MIB = 1 << 20


def _create(engine: Engine, context: Context) -> Operation:
    client, _ = storage(engine, context)
    return client.volumes.create(VolumeRequest("raced", size=MIB, profile="memory"))


def test_not_one_byte_more_is_promised_than_the_pools_have(engine: Engine, context: Context) -> None:
    furnish(engine, context, pools=3, total=10 * MIB)
    with engine.database.read() as tx:
        room = sum(pool.room(True) // MIB for pool in nouns.pools.where(tx))
    assert 0 < room < CLIENTS

    accepted, refused = all_at_once(CLIENTS, lambda _: _create(engine, context))

    assert len(accepted) == room
    assert len(refused) == CLIENTS - room
    for operation in accepted:
        done(engine, operation)
    with engine.database.read() as tx:
        pools = nouns.pools.where(tx)
        assert sum(pool.provisioned for pool in pools) == room * MIB
        assert all(pool.provisioned <= pool.total * (1 - pool.reserve) * pool.ratio for pool in pools)
    for error in refused:
        assert isinstance(error, NoPlacement)
        assert error.details["explanation"], error
    _in_order(engine, context)


def test_a_refused_client_finds_the_reason_under_its_request_id(engine: Engine, context: Context) -> None:
    furnish(engine, context, pools=1, total=4 * MIB)
    requests: list[str] = []

    def create(_: int) -> Operation:
        client, request = storage(engine, context)
        try:
            return client.volumes.create(VolumeRequest("raced", size=MIB, profile="memory"))
        except NoPlacement:
            requests.append(request)
            raise

    _, refused = all_at_once(30, create)

    assert len(refused) == len(requests) == 30 - 19
    for request in requests:
        told = engine.operations.explain(context, request)
        assert [message.code for message in told.messages] == ["no_placement"]


def test_not_one_volume_and_not_one_byte_over_a_limit(engine: Engine, context: Context) -> None:
    furnish(engine, context)
    tenant = str(context.tenant)
    for most in ({"max_volumes": 37, "max_bytes": None}, {"max_volumes": None, "max_bytes": 61 * MIB}):
        engine.tenants.set_limit(context, tenant, None, **most)
        before = len(engine.volumes.list(context).items)
        accepted, refused = all_at_once(CLIENTS, lambda _: _create(engine, context))
        allowed = most["max_volumes"] or 61
        assert len(accepted) == allowed - before
        assert all(isinstance(error, LimitExceeded) for error in refused)
        assert {error.details["limit"] for error in refused} == {most["max_volumes"] or most["max_bytes"]}
        for operation in accepted:
            done(engine, operation)
        used = engine.tenants.limits(context, tenant)[0]
        assert (used.volumes, used.bytes) == (allowed, allowed * MIB)
    _in_order(engine, context)


def _in_order(engine: Engine, context: Context) -> None:
    wrong = [finding for finding in engine.doctor.examine(context) if finding.level != "ok"]
    assert not wrong, wrong
