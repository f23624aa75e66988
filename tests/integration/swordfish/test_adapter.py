"""One Isthmus manages another as a foreign Swordfish array: two real servers, and bytes over real iSCSI."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.model.attachment import Connection
from isthmus.core.model.codec import to_json
from isthmus.core.model.host import Initiator as Name
from isthmus.core.model.request import AttachmentRequest, Changes, HostRequest, SnapshotRequest, VolumeRequest
from tests.chaos.depth import Site
from tests.environment import iscsi
from tests.environment.iscsi import Initiator
from tests.environment.redfish import RedfishService, redfish_service
from tests.environment.server import Distribution, RunningServer, running_server

MIB = 1 << 20
SIZE = 4 * MIB
FOREIGN = Distribution(Path(__file__).with_name("foreign.py"), {"isthmus.plugins": {"foreign": "Foreign"}})
USER, PASSWORD = "isthmus-a", "Correct-horse1battery"
ISCSI = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}}
IQN = "iqn.2004-10.com.example:near"

needs_iscsi = pytest.mark.skipif(bool(iscsi.missing()), reason=iscsi.missing())
pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


@dataclass(slots=True)
class Pair:
    """`near` has `far` as its system `array`."""

    near: RunningServer
    far: RedfishService

    def post(self, path: str, body: Any) -> Any:
        with self.near.session() as session:
            return session.post(self.near.address + path, json=body, timeout=60)

    def asked(self, part: str, method: str, *args: Any, system: str = "array", **named: Any) -> Any:
        """What the plugin of `near` got, or the error."""
        body = {"system": system, "part": part, "method": method, "args": [_sent(one) for one in args], "named": named}
        answer = self.post("/foreign", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, part: str, method: str, *args: Any, **named: Any) -> Any:
        found = self.asked(part, method, *args, **named)
        assert "made" in found, found
        return found["made"]

    def code(self, part: str, method: str, *args: Any, **named: Any) -> str:
        """The code of the error that it met."""
        return str(self.asked(part, method, *args, **named)["error"]["code"])

    def done(self, part: str, method: str, *args: Any, **named: Any) -> Any:
        """The result of the operation that it became."""
        operation = self.ask(part, method, *args, **named)
        ended = self.ask("operations", "wait", operation["id"], 30.0)
        assert ended["state"] == "done", ended
        return ended["result"]

    def volume(self, name: str, **more: Any) -> str:
        wanted = VolumeRequest(name, size=more.pop("size", SIZE), profile="iscsi", **more)
        return str(self.done("volumes", "create", wanted)["volume"])

    def there(self) -> dict[str, Any]:
        """The volumes of `far` by name."""
        with self.far.server.session(tenant="default") as session:
            answer = session.get(f"{self.far.server.address}/v1/volumes", timeout=30)
            return {one["name"]: one for one in answer.json()["items"]}

    def described(self, **more: Any) -> dict[str, Any]:
        """`far` as a system."""
        assert self.far.server.ca is not None
        return {
            "name": "array",
            "adapter": "swordfish",
            "address": self.far.server.address,
            "settings": {"user": USER, "ca": self.far.server.ca.read_text()},
            "secrets": {"password": PASSWORD, "chap_key": "what the secrets come from"},
            **more,
        }


def _sent(value: Any) -> Any:
    plain = isinstance(value, str | int | float | bool | None)
    return value if plain else {"is": type(value).__name__, **to_json(value)}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    # Not below pytest's folders, which the daemons' account may not enter.
    with tempfile.TemporaryDirectory(prefix="isthmus-adapter-", dir="/var/tmp") as folder:
        place = Site(Path(folder))
        try:
            with (
                redfish_service(place.folder, **place.settings) as far,
                running_server(tmp_path_factory.mktemp("near"), distributions=[FOREIGN]) as near,
            ):
                directory = {"directory": str(place.folder / "files")}
                far.make("/v1/backends", {"name": "files", "driver": "file", "settings": directory})
                far.make("/v1/profiles", {"name": "iscsi", "properties": ISCSI, "is_default": True})
                with far.server.session() as session:
                    home = session.get(f"{far.server.address}/v1/tenants/default", timeout=30).json()["id"]
                far.make("/v1/users", {"name": USER, "tenant": home, "roles": ["service"], "password": PASSWORD})
                made = Pair(near, far)
                answer = made.post("/v1/systems", made.described())
                assert answer.status_code == 201, answer.text
                yield made
        finally:
            place.close()


def test_the_system_says_what_it_is_and_what_it_offers(pair: Pair) -> None:
    pair.volume("sample")
    found = pair.ask("storage", "describe")
    assert (found["system"], found["product"]) == ("array", "Isthmus") and found["version"]
    assert {"volumes", "volumes.create", "snapshots", "volumes.clone", "hosts", "attachments"} <= set(found["offers"])
    assert not {"messages", "limits", "events", "volumes.revert"} & set(found["offers"])
    assert "profiles" in found["offers"] and "profiles.create" not in found["offers"], (
        "they are administrators' to make"
    )
    assert "iscsi" in found["protocols"]
    profiles = {one["name"]: one for one in pair.ask("profiles", "list")}
    assert profiles["iscsi"]["is_default"] and profiles["iscsi"]["properties"] == ISCSI
    pool = pair.ask("pools", "list")[0]
    assert pool["total"] > pool["used"] >= 0 and "iscsi" in pool["protocols"]
    assert pair.code("volumes", "revert", "a", "b") == "not_offered"


@needs_iscsi
def test_a_volume_lives_there_from_its_making_to_its_end(pair: Pair) -> None:
    volume = pair.volume("data")
    assert pair.there()["data"]["size"] == SIZE
    host = pair.ask("hosts", "ensure", HostRequest("near", (Name("iscsi", IQN),)))
    assert host["initiators"] == [{"protocol": "iscsi", "name": IQN}]
    attached = pair.done("attachments", "create", AttachmentRequest(volume, host["id"]), key=str(uuid.uuid4()))
    connection = Connection(**pair.ask("attachments", "connection", attached["attachment"]))
    shown = pair.ask("attachments", "get", attached["attachment"])
    assert shown["connection"] == connection.public and connection.secrets["chap_secret"] not in str(shown)
    assert connection.public["identifier"] == pair.there()["data"]["identifier"]
    initiator = Initiator(connection, IQN)
    try:
        initiator.write(0, b"near" * 1024)
        initiator.flush()
    finally:
        initiator.close()
    assert pair.code("volumes", "delete", volume) == "in_use"
    assert pair.code("hosts", "delete", host["id"]) == "in_use"
    snapshot = pair.done("snapshots", "create", SnapshotRequest(volume, "then"))["snapshot"]
    pair.done("volumes", "extend", volume, 2 * SIZE)
    assert pair.there()["data"]["size"] == 2 * SIZE
    copy = pair.volume("copy", size=0, source_snapshot=snapshot)
    again = pair.done("attachments", "create", AttachmentRequest(copy, host["id"]))["attachment"]
    reader = Initiator(Connection(**pair.ask("attachments", "connection", again)), IQN)
    try:
        assert reader.read(0, 4096) == b"near" * 1024
    finally:
        reader.close()
    pair.done("attachments", "delete", attached["attachment"])
    with pytest.raises(OSError):
        Initiator(connection, IQN)
    pair.done("attachments", "delete", again)
    pair.ask("hosts", "delete", host["id"])
    pair.done("volumes", "delete", copy)
    pair.done("snapshots", "delete", snapshot)
    pair.done("volumes", "delete", volume)
    assert not {"data", "copy"} & set(pair.there())


def test_the_same_key_makes_one_volume_also_over_redfish(pair: Pair) -> None:
    key = str(uuid.uuid4())
    wanted = VolumeRequest("once", size=SIZE, profile="iscsi")
    first = pair.ask("volumes", "create", wanted, key=key)
    assert pair.ask("volumes", "create", wanted, key=key)["id"] == first["id"]
    other = VolumeRequest("twice", size=SIZE, profile="iscsi")
    assert pair.code("volumes", "create", other, key=key) == "idempotency_key_reused"
    client = pair.far.client(USER, PASSWORD)
    home = client.members("/redfish/v1/StorageServices")[0]
    body, headers = {"Name": "repeated", "CapacityBytes": SIZE}, {"Idempotency-Key": str(uuid.uuid4())}
    made = [
        client.finished(client.post(f"{home}/Volumes", body, headers=headers)).headers["Location"] for _ in range(3)
    ]
    assert len(set(made)) == 1
    assert {"once", "repeated"} <= set(pair.there()) and "twice" not in pair.there()


def test_what_goes_wrong_there_is_the_right_error_here(pair: Pair) -> None:
    volume = pair.volume("wrong")
    assert pair.code("volumes", "get", "StorageServices~x~Volumes~y") == "not_found"
    assert pair.code("volumes", "get", "SessionService~Sessions") == "not_found"
    assert pair.code("volumes", "get", "../../v1/users") == "not_found"
    assert pair.code("volumes", "extend", volume, SIZE // 2) == "invalid"
    assert pair.code("volumes", "create", VolumeRequest("huge", size=1 << 59, profile="iscsi")) == "no_placement"
    assert pair.code("volumes", "create", VolumeRequest("p", size=SIZE, profile="no-such")) == "not_found"
    assert pair.code("volumes", "update", volume, Changes(name="late"), if_version=1) == "stale"
    limit = {"profile": None, "max_volumes": 1, "max_bytes": None}
    with pair.far.server.session(tenant="default") as session:
        limits = f"{pair.far.server.address}/v1/tenants/default/limits"
        assert session.put(limits, json=limit, timeout=30).ok
        try:
            more = VolumeRequest("more", size=SIZE, profile="iscsi")
            assert pair.code("volumes", "create", more) == "limit_exceeded"
        finally:
            assert session.put(limits, json={**limit, "max_volumes": None}, timeout=30).ok


def test_a_session_that_was_ended_is_made_anew(pair: Pair) -> None:
    pair.ask("volumes", "list")
    sessions = "/redfish/v1/SessionService/Sessions"
    client = pair.far.client()
    own = [uri for uri in client.members(sessions) if client.body(uri)["UserName"] == USER]
    assert own
    for uri in own:
        assert client.delete(uri).status_code == 204
    assert pair.ask("volumes", "list") is not None


def test_a_wrong_password_is_not_the_callers_fault_and_is_told_to_nobody(pair: Pair) -> None:
    wrong = "not-the-password-at-all"
    system = pair.described(name="wrong", secrets={"password": wrong})
    refused = pair.post("/v1/systems", system)
    assert refused.status_code == 409 and refused.json()["code"] == "misconfigured"
    assert wrong not in refused.text
    tried = pair.post("/v1/systems/test", system).json()
    assert not tried["ok"] and wrong not in str(tried)
    for log in (pair.near.log, pair.far.server.log):
        text = log.read_text()
        assert wrong not in text and PASSWORD not in text and "what the secrets come from" not in text


def test_who_may_only_read_here_changes_nothing_there(pair: Pair) -> None:
    with pair.near.session() as session:
        home = session.get(f"{pair.near.address}/v1/tenants/default", timeout=30).json()["id"]
        user = {"name": "rea", "tenant": home, "roles": ["reader"]}
        assert session.post(f"{pair.near.address}/v1/users", json=user, timeout=30).ok
        token = session.post(f"{pair.near.address}/v1/tokens", json={"name": "t", "user": "rea"}, timeout=30).json()
    body = {"system": "array", "part": "volumes", "method": "create", "named": {}}
    body["args"] = [_sent(VolumeRequest("by-a-reader", size=SIZE, profile="iscsi"))]
    with pair.near.session(token["token"]) as session:
        answer = session.post(f"{pair.near.address}/foreign", json=body, timeout=30).json()
    assert answer["error"]["code"] == "forbidden" and "by-a-reader" not in pair.there()


def test_a_system_that_hangs_holds_up_nobody_else(pair: Pair) -> None:
    found: list[Any] = []
    asking = threading.Thread(target=lambda: found.append(pair.asked("volumes", "list")))
    os.killpg(pair.far.server.pid, signal.SIGSTOP)
    try:
        asking.start()
        assert pair.ask("volumes", "list", system="local") == []
        with pair.near.session() as session:
            assert session.get(f"{pair.near.address}/readyz", timeout=30).json()["ready"]
        assert asking.is_alive()
    finally:
        os.killpg(pair.far.server.pid, signal.SIGCONT)
    asking.join(60)
    assert found and "made" in found[0]
