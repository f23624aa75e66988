"""A Redfish service with two arrays, one of which can be made to hang or refuse, and a class of service for each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.environment.redfish import RedfishClient, RedfishService, redfish_service
from tests.environment.server import Distribution
from tests.integration import rest

GIB = 1 << 30
ODD = Distribution(Path(rest.__path__[0]) / "odd_driver.py", {"isthmus.drivers": {"odd": "OddDriver"}})
_TASKS = "/redfish/v1/TaskService/Tasks"


@dataclass(slots=True)
class World:
    """`home` is the storage service of the tenant that exists from the start; `classes` are URIs by name."""

    service: RedfishService
    client: RedfishClient
    home: str
    classes: dict[str, str]
    marks: Path

    @property
    def volumes(self) -> str:
        return f"{self.home}/Volumes"

    def body(self, name: str, size: int = GIB, of: str = "memory", **more: Any) -> dict[str, Any]:
        """What makes a volume."""
        return {
            "Name": name,
            "CapacityBytes": size,
            "Links": {"ClassOfService": {"@odata.id": self.classes[of]}},
            **more,
        }

    def volume(self, name: str, size: int = GIB, of: str = "memory") -> dict[str, Any]:
        """A new volume, ready."""
        return self.made(self.client.post(self.volumes, self.body(name, size, of)))

    def made(self, answer: requests.Response) -> dict[str, Any]:
        """The resource that a request made, however long it took."""
        answer = self.client.finished(answer)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def replica(self, source: dict[str, Any], kind: str, name: str | None = None) -> dict[str, Any]:
        """A snapshot or a clone of it."""
        return self.made(self.replicate(source, kind, name))

    def replicate(self, source: dict[str, Any], kind: str, name: str | None = None) -> requests.Response:
        action = source["Actions"]["#Volume.CreateReplicaTarget"]
        body = {
            "ReplicaType": kind,
            "ReplicaUpdateMode": "Synchronous",
            "TargetStoragePool": source["Links"]["ProvidingStoragePool"]["@odata.id"],
        }
        return self.client.post(action["target"], body if name is None else {**body, "VolumeName": name})

    def tasks(self) -> int:
        """How many tasks there are."""
        return int(self.client.body(f"{_TASKS}?$top=0")["Members@odata.count"])

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Within, the odd array does not come back from making a volume."""
        mark = self.marks / "hang"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Within, the odd array refuses to make a volume."""
        mark = self.marks / "refuse"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


@contextlib.contextmanager
def volume_world(folder: Path, *, granularity: int = 1, **settings: Any) -> Iterator[World]:
    """A world on a server of its own; fails at its end when an answer had something wrong."""
    with redfish_service(folder, distributions=[ODD], **settings) as service:
        marks = folder / "marks"
        marks.mkdir()
        pools = [{"name": f"pool{number}", "total": 1 << 50, "granularity": granularity} for number in range(2)]
        service.make("/v1/backends", {"name": "array", "driver": "memory", "settings": {"pools": pools}})
        odd = {"pools": [{"name": "odd", "total": 1 << 40}], "marks": str(marks)}
        service.make("/v1/backends", {"name": "odd", "driver": "odd", "settings": odd})
        client = service.client()
        home = client.body("/redfish/v1/StorageServices")["Members"][0]["@odata.id"]
        classes = {}
        for name, protocol in (("memory", "memory"), ("odd", "iscsi")):
            asked = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": protocol}}}
            made = service.make("/v1/profiles", {"name": name, "properties": asked})
            classes[name] = f"{home}/ClassesOfService/{made['id']}"
        yield World(service, client, home, classes, marks)
        service.check()


def said(answer: requests.Response) -> list[str]:
    """The keys of the messages in an error."""
    return [message["MessageId"].rpartition(".")[2] for message in answer.json()["error"]["@Message.ExtendedInfo"]]


def related(answer: requests.Response) -> list[str]:
    """The JSON pointers of the properties that an error is about."""
    messages = answer.json()["error"]["@Message.ExtendedInfo"]
    return [pointer for message in messages for pointer in message.get("RelatedProperties", ())]
