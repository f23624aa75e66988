"""An NBD host's certificate is renewed while it is attached, and both the old and the new one are let in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from isthmus.core.context import Context
from isthmus.core.drivers.file import FileDriver
from isthmus.core.duties.duty import DutyRun
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import Unavailable
from isthmus.core.model.attachment import Connection
from isthmus.core.model.event import Event
from isthmus.core.model.identity import now
from isthmus.core.model.request import AttachmentRequest, BackendRequest, HostRequest, ProfileRequest, VolumeRequest
from isthmus.core.runtime.settings import EngineSettings
from isthmus.core.security.authority import CLIENT_DAYS, issue_server_certificate, make_authority
from isthmus.core.security.sealing import Sealer
from isthmus.core.store import nouns, secrets
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from isthmus.core.targets.contract import TargetSetup
from isthmus.core.targets.nbd import NbdTarget
from tests.contract.patience import eventually
from tests.environment.engine import KEY, Installation, done
from tests.environment.folders import USER, short_folder
from tests.environment.nbd import NbdClient, missing

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing())]
PROPERTIES = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "nbd"}}}
LATE = timedelta(days=CLIENT_DAYS * 2 / 3 + 1)


class Held:
    """A run of a duty that nothing ends."""

    def go_on(self) -> bool:
        return True


RUN = cast(DutyRun, Held())


@dataclass
class Node:
    """An engine that publishes one volume over NBD with TLS."""

    engine: Engine
    root: Context
    attachment: str

    def connection(self) -> Connection:
        return self.engine.attachments.connection(self.root, self.attachment)

    def version(self) -> int:
        return self.engine.attachments.get(self.root, self.attachment).version


@pytest.fixture
def node() -> Iterator[Node]:
    with short_folder() as folder:
        database = Database(f"sqlite:///{folder}/isthmus.db")
        metadata.create_all(database.engine)
        installation = Installation.begin(database, folder)
        for name in ("n", "run", "state"):
            (folder / name).mkdir()
            (folder / name).chmod(0o711)
        authority = installation.prepared.authority
        own = issue_server_certificate(authority, ["127.0.0.1"])
        files = [folder / name for name in ("certificate.pem", "key.pem", "ca.pem")]
        for path, content in zip(files, (own.certificate, own.key, authority.certificate), strict=True):
            path.write_bytes(content)
        certificate, key, ca = files
        target = NbdTarget(
            TargetSetup(
                node="node1",
                address="127.0.0.1",
                state=folder / "nbd",
                runtime=folder / "n",
                settings={"listen": "127.0.0.1"},
                user=USER,
                certificate=certificate,
                key=key,
                ca=ca,
                timeout=20.0,
            )
        )
        engine = Engine(
            EngineSettings(
                database="", state=folder / "state", runtime=folder / "run", measure=600, watch=600, daemon_user=USER
            ),
            database,
            sealer=Sealer([KEY]),
            prepared=installation.prepared,
            drivers={"file": FileDriver},
            targets={"nbd": target},
        )
        engine.start()
        root = installation.administrator(engine)
        engine.backends.add(root, BackendRequest("files", "file", settings={"directory": str(folder / "images")}))
        engine.profiles.create(root, ProfileRequest("nbd", PROPERTIES))
        wanted = VolumeRequest("data", size=1 << 20, profile="nbd")
        volume = str(done(engine, engine.volumes.create(root, wanted)).result["volume"])
        host = engine.hosts.create(root, HostRequest("one")).id
        operation = engine.attachments.create(root, AttachmentRequest(volume, host))
        made = Node(engine, root, str(done(engine, operation).result["attachment"]))
        try:
            yield made
        finally:
            for attachment in engine.attachments.list(root).items:
                done(engine, engine.attachments.delete(root, attachment.id))
            engine.stop()
            target.end()
            database.close()


def test_a_certificate_that_is_young_stays(node: Node) -> None:
    before = (node.connection(), node.version())
    node.engine.renewal.run(RUN)
    node.engine.renewal.run(RUN, now() + LATE - timedelta(days=2))
    assert (node.connection(), node.version()) == before


def test_old_and_new_are_let_in_and_who_is_connected_notices_nothing(node: Node) -> None:
    old, version = node.connection(), node.version()
    connected = NbdClient(old)
    connected.write(0, b"before" + bytes(506))
    node.engine.renewal.run(RUN, now() + LATE)
    new = node.connection()
    assert new.public == old.public and node.version() == version + 1
    assert new.secrets["certificate"] != old.secrets["certificate"] and new.secrets["key"] != old.secrets["key"]
    assert connected.read(0, 512)[:6] == b"before"
    connected.close()
    for connection in (old, new, old):
        client = NbdClient(connection)
        assert client.read(0, 512)[:6] == b"before"
        client.close()


def test_the_host_is_told_by_an_event_that_holds_no_secret(node: Node) -> None:
    node.engine.renewal.run(RUN, now() + LATE)
    new = node.connection()
    found: list[Event] = []

    def told() -> bool:
        found[:] = [e for e in node.engine.events.after(node.root, 0, 1000) if e.kind == "attachment.renewed"]
        return bool(found)

    eventually(told, "the event is numbered")
    assert [event.resource for event in found] == [node.attachment]
    assert found[0].tenant == node.root.tenant
    text = json.dumps(found[0].body, default=str)
    assert "BEGIN" not in text and new.secrets["key"] not in text


def test_what_another_authority_signed_is_replaced_at_once(node: Node) -> None:
    node.engine.renewal._authority = make_authority
    before = node.connection()
    node.engine.renewal.run(RUN)
    assert node.connection().secrets["certificate"] != before.secrets["certificate"]


def test_what_is_detached_meanwhile_gets_none(node: Node) -> None:
    engine = node.engine
    with engine.database.read() as tx:
        attachment = nouns.attachments.get(tx, node.attachment)
    done(engine, engine.attachments.delete(node.root, node.attachment))
    engine.renewal._look(attachment, now() + LATE)
    with engine.database.read() as tx:
        assert secrets.names(tx, node.attachment) == []


def test_one_that_fails_holds_up_no_other_and_is_tried_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, root = node.engine, node.root
    wanted = VolumeRequest("more", size=1 << 20, profile="nbd")
    volume = str(done(engine, engine.volumes.create(root, wanted)).result["volume"])
    host = engine.hosts.create(root, HostRequest("two")).id
    other = str(done(engine, engine.attachments.create(root, AttachmentRequest(volume, host))).result["attachment"])
    before = {each: engine.attachments.get(root, each).version for each in (node.attachment, other)}
    real = engine.parts.exports.read_secrets

    def broken(tx: object, attachment: str) -> dict[str, str]:
        if attachment == node.attachment:
            raise Unavailable("The key is away.")
        return real(tx, attachment)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.parts.exports, "read_secrets", broken)
    engine.renewal.run(RUN, now() + LATE)
    after = {each: engine.attachments.get(root, each).version for each in before}
    assert after == {node.attachment: before[node.attachment], other: before[other] + 1}
    monkeypatch.undo()
    engine.renewal.run(RUN, now() + LATE)
    assert node.version() == before[node.attachment] + 1
