"""What is measured of volumes that real daemons serve, and what comes of a daemon that hangs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from isthmus.core.context import Context
from isthmus.core.datapath.daemon import Daemons
from isthmus.core.drivers.file import FileDriver
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import IsthmusError, StorageError
from isthmus.core.model.host import Initiator
from isthmus.core.model.request import (
    AttachmentRequest,
    BackendRequest,
    HostRequest,
    ProfileRequest,
    VolumeRequest,
)
from isthmus.core.runtime.settings import EngineSettings
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from isthmus.core.targets.contract import TargetSetup
from isthmus.core.targets.iscsi.target import IscsiTarget
from isthmus.core.targets.nbd import NbdTarget
from tests.contract.patience import eventually
from tests.environment.engine import KEY, Installation, done
from tests.environment.folders import USER, short_folder
from tests.environment.iscsi import Initiator as Session
from tests.environment.iscsi import missing as no_iscsi
from tests.environment.nbd import NbdClient
from tests.environment.nbd import missing as no_nbd

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(no_iscsi() or no_nbd()), reason=no_iscsi() or no_nbd())]
MIB = 1 << 20
IQN = "iqn.2016-01.example.host:one"


@dataclass
class Node:
    """An engine with a folder of raw files, served over iSCSI and over NBD on Unix sockets."""

    engine: Engine
    root: Context
    folder: Path

    def attached(self, protocol: str) -> tuple[str, str]:
        """A volume of 8 MiB and its attachment."""
        engine, root = self.engine, self.root
        wanted = VolumeRequest(f"over {protocol}", size=8 * MIB, profile=protocol)
        volume = str(done(engine, engine.volumes.create(root, wanted)).result["volume"])
        host = engine.hosts.ensure(root, HostRequest("one", (Initiator("iscsi", IQN),))).id
        operation = engine.attachments.create(root, AttachmentRequest(volume, host))
        return volume, str(done(engine, operation).result["attachment"])

    def tgtd(self) -> int:
        """The pid of tgtd."""
        daemon = Daemons(self.folder / "iscsi", self.folder / "i").find("tgtd")
        assert daemon is not None
        return daemon.pid


@pytest.fixture
def node() -> Iterator[Node]:
    with short_folder() as folder:
        database = Database(f"sqlite:///{folder}/isthmus.db")
        metadata.create_all(database.engine)
        installation = Installation.begin(database, folder)
        for name in ("i", "n", "run", "state"):
            (folder / name).mkdir()
            (folder / name).chmod(0o711)

        def setup(name: str, runtime: str, **settings: object) -> TargetSetup:
            return TargetSetup("node1", "127.0.0.1", folder / name, folder / runtime, settings, user=USER, timeout=20.0)

        engine = Engine(
            EngineSettings(
                database="", state=folder / "state", runtime=folder / "run", measure=600, watch=600, daemon_user=USER
            ),
            database,
            sealer=Sealer([KEY]),
            prepared=installation.prepared,
            drivers={"file": FileDriver},
            targets={
                "iscsi": IscsiTarget(setup("iscsi", "i", port=0)),
                "nbd": NbdTarget(setup("nbd", "n", transport="unix")),
            },
        )
        engine.start()
        root = installation.administrator(engine)
        settings = {"directory": str(folder / "images"), "format": "raw"}
        engine.backends.add(root, BackendRequest("files", "file", settings=settings))
        for protocol in ("iscsi", "nbd"):
            properties = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": protocol}}}
            engine.profiles.create(root, ProfileRequest(protocol, properties))
        try:
            yield Node(engine, root, folder)
        finally:
            for attachment in engine.attachments.list(root).items:
                done(engine, engine.attachments.delete(root, attachment.id))
            engine.stop()
            for target in engine.watch._targets.values():
                target.end()
            database.close()


def test_over_iscsi_occupation_and_traffic_are_true(node: Node) -> None:
    volume, attachment = node.attached("iscsi")
    metrics = node.engine.metrics
    session = Session(node.engine.attachments.connection(node.root, attachment), IQN)
    before = metrics.volume(node.root, volume)
    session.write(0, b"a" * MIB)
    session.write(4 * MIB, b"b" * MIB)
    session.flush()
    assert session.read(0, 4096) == b"a" * 4096
    after = metrics.volume(node.root, volume)
    session.close()
    assert before.allocated_bytes is not None and after.allocated_bytes is not None
    assert 2 * MIB <= after.allocated_bytes - before.allocated_bytes < 8 * MIB
    assert after.series == before.series is not None and after.since is None
    assert (before.written_operations, before.written_bytes) == (0, 0)
    assert (after.written_operations, after.written_bytes) == (2, 2 * MIB)
    assert (after.read_bytes or 0) - (before.read_bytes or 0) == 4096


def test_over_nbd_only_occupation_is_known_and_no_traffic_is_invented(node: Node) -> None:
    volume, attachment = node.attached("nbd")
    client = NbdClient(node.engine.attachments.connection(node.root, attachment))
    client.write(0, b"a" * MIB)
    found = node.engine.metrics.volume(node.root, volume)
    client.close()
    assert found.allocated_bytes is not None and MIB <= found.allocated_bytes < 8 * MIB
    assert (found.read_operations, found.read_bytes, found.written_operations, found.written_bytes) == (None,) * 4
    assert (found.series, found.since) == (None, None)


def test_a_daemon_that_hangs_is_a_clear_error_within_seconds_and_passes(node: Node) -> None:
    volume, _ = node.attached("iscsi")
    patience, node.engine.metrics._metering._patience = node.engine.metrics._metering._patience, 1.0
    pid = node.tgtd()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StorageError, match="did not end within 1 s") as told:
            node.engine.metrics.volume(node.root, volume)
        assert told.value.next_step and volume in str(told.value)
        node.engine.metrics._metering._patience = patience
        pool = node.engine.pools.list(node.root).items[0].id
        assert node.engine.metrics.pool(node.root, pool).total_bytes, "what does not hang is measured"
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: _measured(node, volume), "it is measured again")


def test_a_daemon_that_died_leaves_what_the_driver_knows(node: Node) -> None:
    volume, _ = node.attached("iscsi")
    os.kill(node.tgtd(), signal.SIGKILL)
    eventually(lambda: node.engine.metrics.volume(node.root, volume).series is None, "nothing is counted")
    assert node.engine.metrics.volume(node.root, volume).allocated_bytes is not None
    node.engine.watch.look()
    assert node.engine.metrics.volume(node.root, volume).series is not None


def test_measuring_under_load_harms_no_host(node: Node) -> None:
    volume, attachment = node.attached("iscsi")
    session = Session(node.engine.attachments.connection(node.root, attachment), IQN)
    seen = []
    until = time.monotonic() + 2
    for number in range(200):
        session.write((number % 16) * 4096, bytes([number]) * 4096)
        seen.append(node.engine.metrics.volume(node.root, volume))
        if time.monotonic() > until:
            break
    session.close()
    assert [each.written_operations for each in seen] == list(range(1, len(seen) + 1))
    assert len({each.series for each in seen}) == 1


def _measured(node: Node, volume: str) -> bool:
    try:
        return node.engine.metrics.volume(node.root, volume).allocated_bytes is not None
    except IsthmusError:
        return False
