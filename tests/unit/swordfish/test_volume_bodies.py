"""Volumes, snapshots and tasks in every state, as clients get them, against the official schemas."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core.errors import NeedsAttention
from isthmus.core.model.attachment import AccessMode, Attachment, AttachmentState
from isthmus.core.model.host import Host, Initiator
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.snapshot import Snapshot, SnapshotState
from isthmus.core.model.volume import VolumeState
from isthmus.plugin_manager.contract import PluginSetup
from isthmus.plugins.swordfish import uris
from isthmus.plugins.swordfish.maintenance.tenant_windows import TenantWindows
from isthmus.plugins.swordfish.protocol.representation import represented
from isthmus.plugins.swordfish.protocol.request import Request
from isthmus.plugins.swordfish.protocol.resource import Resource
from isthmus.plugins.swordfish.resources.task import TASK
from isthmus.plugins.swordfish.resources.volume import VOLUME
from isthmus.plugins.swordfish.resources.volume_facts import Facts, Related
from tests.environment import redfish_schemas
from tests.environment.nouns import make_pool, make_volume

pytestmark = pytest.mark.skipif(bool(redfish_schemas.missing()), reason=redfish_schemas.missing())


def _operation(kind: str, state: OperationState, **said: Any) -> Operation:
    error = NeedsAttention("It hangs.", next_step="Retry or abandon it.").to_json()
    return Operation(
        new_id(),
        kind,
        "volume",
        new_id(),
        "acme",
        "somebody",
        "req-1",
        state,
        now(),
        now(),
        error=None if state.live or state is OperationState.DONE else error,
        **said,
    )


def _faults(resource: Resource, noun: Any, uri: str) -> list[str]:
    storage = SimpleNamespace(volumes=SimpleNamespace(get=str), snapshots=SimpleNamespace(get=str))
    records = SimpleNamespace(get=lambda kind, identifier: None)
    settings = {"maintenance_window_start": "02:00", "maintenance_window_duration": 14400}
    times = TenantWindows(cast(PluginSetup, SimpleNamespace(records=records, settings=settings))).support("acme")
    request = cast(Request, SimpleNamespace(path=uri, storage=storage, apply_times=times))
    body = represented(resource, noun, request)
    schemas = redfish_schemas.official()
    return [*schemas.errors(body), *schemas.warnings(body)]


@pytest.mark.parametrize("operation", list(OperationState))
@pytest.mark.parametrize("state", list(VolumeState))
def test_a_volume_in_any_state(state: VolumeState, operation: OperationState) -> None:
    host = Host(new_id(), "acme", "web", now(), now(), initiators=(Initiator("iscsi", "iqn.2026-01.example:web"),))
    attachment = Attachment(
        id=new_id(),
        tenant="acme",
        volume="v",
        host=host.id,
        mode=AccessMode.READ_WRITE,
        state=AttachmentState.ATTACHED,
        protocol="iscsi",
        created_at=now(),
        updated_at=now(),
        connection={"iqn": "iqn.2026-01.example:target"},
    )
    facts = Facts(
        make_volume(state=state, identifier="naa.6" + "0" * 31),
        Related((new_id(),), (new_id(),), (attachment,)),
        pool=make_pool(thin=True, thick=False, abilities=("snapshot", "clone")),
        source=make_volume(),
        operation=_operation("volume.extend", operation, progress=0.5),
        hosts=(host,),
    )
    assert _faults(VOLUME, facts, uris.volume("acme", facts.id)) == []


@pytest.mark.parametrize("state", list(SnapshotState))
def test_a_snapshot_in_any_state(state: SnapshotState) -> None:
    source = make_volume()
    snapshot = Snapshot(new_id(), "acme", source.id, "s", source.size, state, now(), now(), description="before")
    operation = _operation("snapshot.create", OperationState.NEEDS_ATTENTION)
    facts = Facts(snapshot, Related(copies=(new_id(),)), pool=make_pool(), source=source, operation=operation)
    assert _faults(VOLUME, facts, uris.volume("acme", facts.id)) == []


@pytest.mark.parametrize("kind", ["volume.create", "volume.extend", "volume.delete", "snapshot.create", "backend.add"])
@pytest.mark.parametrize("state", list(OperationState))
def test_a_task_in_any_state(state: OperationState, kind: str) -> None:
    operation = _operation(kind, state, progress=0.3, undoing=True)
    assert _faults(TASK, operation, uris.task(operation.id)) == []
