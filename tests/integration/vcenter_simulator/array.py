"""An engine that exports volumes of raw files over a tgtd of its own: the array that the simulated hosts log in to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.context import Context
from isthmus.core.datapath.daemon import Daemons
from isthmus.core.drivers.file.driver import FileDriver
from isthmus.core.engine.engine import Engine
from isthmus.core.model.attachment import Connection
from isthmus.core.model.host import Initiator
from isthmus.core.model.request import (
    AttachmentRequest,
    BackendRequest,
    HostRequest,
    ProfileRequest,
    SnapshotRequest,
    VolumeRequest,
)
from isthmus.core.runtime.settings import EngineSettings
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from isthmus.core.targets.contract import TargetSetup
from isthmus.core.targets.iscsi.target import IscsiTarget
from tests.environment.engine import KEY, Installation, done
from tests.environment.folders import USER, short_folder

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Access:
    """An attachment, with what the host must know to use it."""

    attachment: str
    connection: Connection

    @property
    def target(self) -> str:
        return str(self.connection.public["iqn"])

    @property
    def portal(self) -> str:
        return str(self.connection.public["portals"][0])

    @property
    def user(self) -> str:
        return str(self.connection.public["chap_user"])

    @property
    def secret(self) -> str:
        return str(self.connection.secrets["chap_secret"])


@dataclass
class Array:
    """What an administrator does at the array. Sizes in bytes; waits until each is done."""

    engine: Engine
    root: Context
    folder: Path

    def volume(self, name: str, size: int = 2 * GIB, *, shared: bool = False, snapshot: str | None = None) -> str:
        wanted = VolumeRequest(name, size=size, profile="shared" if shared else "plain", source_snapshot=snapshot)
        return str(done(self.engine, self.engine.volumes.create(self.root, wanted)).result["volume"])

    def snapshot(self, volume: str, name: str) -> str:
        """Of a detached volume: a copy of a plain file under a writer would not be of one moment."""
        made = self.engine.snapshots.create(self.root, SnapshotRequest(volume, name))
        return str(done(self.engine, made).result["snapshot"])

    def extend(self, volume: str, size: int) -> None:
        done(self.engine, self.engine.volumes.extend(self.root, volume, size))

    def attach(self, volume: str, iqn: str) -> Access:
        host = self.engine.hosts.ensure(self.root, HostRequest(iqn.rpartition(":")[2], (Initiator("iscsi", iqn),))).id
        made = self.engine.attachments.create(self.root, AttachmentRequest(volume, host))
        attachment = str(done(self.engine, made).result["attachment"])
        return Access(attachment, self.engine.attachments.connection(self.root, attachment))

    def detach(self, access: Access) -> None:
        self.withdraw(access.attachment)

    def withdraw(self, attachment: str) -> None:
        done(self.engine, self.engine.attachments.delete(self.root, attachment))

    def revert(self, volume: str, snapshot: str) -> None:
        done(self.engine, self.engine.volumes.revert(self.root, volume, snapshot))

    def tgtd(self) -> int:
        """The pid of the daemon that exports."""
        daemon = Daemons(self.folder / "iscsi", self.folder / "i").find("tgtd")
        assert daemon is not None
        return daemon.pid

    def raw(self, volume: str) -> bytes:
        """The first 4 MiB of the file that is the volume."""
        placement = str(self.engine.volumes.get(self.root, volume).placement)
        family = (self.folder / "images" / "index" / placement).resolve()
        if not family.is_dir():
            family = self.folder / "images" / "families" / placement
        layer = json.loads((family / "family.json").read_text())["volumes"][placement]["layer"]
        with (family / f"{layer}.raw").open("rb") as file:
            return file.read(4 << 20)


@contextmanager
def array(form: str = "raw") -> Iterator[Array]:
    """Running; afterwards all it started is gone. Of `qcow2` images there are snapshots while hosts write."""
    with short_folder() as folder:
        database = Database(f"sqlite:///{folder}/isthmus.db")
        metadata.create_all(database.engine)
        installation = Installation.begin(database, folder)
        for name in ("iscsi", "i", "run", "state"):
            (folder / name).mkdir()
            (folder / name).chmod(0o711)
        setup = TargetSetup("node1", "127.0.0.1", folder / "iscsi", folder / "i", {"port": 0}, user=USER, timeout=20.0)
        target = IscsiTarget(setup)
        settings = EngineSettings(
            database="", state=folder / "state", runtime=folder / "run", measure=600, watch=600, daemon_user=USER
        )
        engine = Engine(
            settings,
            database,
            sealer=Sealer([KEY]),
            prepared=installation.prepared,
            drivers={"file": FileDriver},
            targets={"iscsi": target},
        )
        engine.start()
        root = installation.administrator(engine)
        files = {"directory": str(folder / "images"), "format": form}
        engine.backends.add(root, BackendRequest("files", "file", settings=files))
        over = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}}
        engine.profiles.create(root, ProfileRequest("plain", over))
        several = {**over, "customProperties": {"capabilities:multiAttach": "<is> true"}}
        engine.profiles.create(root, ProfileRequest("shared", several))
        try:
            yield Array(engine, root, folder)
        finally:
            for attachment in engine.attachments.list(root).items:
                done(engine, engine.attachments.delete(root, attachment.id))
            engine.stop()
            target.end()
            database.close()
