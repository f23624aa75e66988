"""What the plug-in for vSphere costs: the first inventory of a vCenter, a change in it, and the menu of an object.

`python -m tests.benchmarks.vsphere` prints one JSON line. The vCenter is the simulator in a process of its own, with
500 machines, 100 datastores and 48 hosts. `inventory_s` is the time from the first question to the whole inventory
(login and all), `change_ms` the median from a change in the vCenter to its being seen (`change_worst_ms` the worst).

`dynamic_p99_ms` is that of answers to `/vsphere/ui/dynamic/TYPE/menu` over TLS on one kept-alive connection, for
objects that nobody asked about before (every datastore, each on a real volume of the server, then hosts and clusters):
every check of every action on it is really run. `dynamic_again_p99_ms` is of objects asked about again at once, which
is answered from memory for three seconds; `many_p99_ms` of four clients at once. CPU times are of whole process trees:
`*_cpu_ms` of ours (the server, or this process), `*_vcenter_cpu_ms` of the simulator; of menus, for each answer.
"""

from __future__ import annotations

import gc
import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.core.security.keys import LocalKey
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.inventory.watch import Watch
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from isthmus.ui_bridge.dynamic import FRESH_SECONDS
from tests.benchmarks.measure import ProcessTree, Section, asked, percentile, report
from tests.benchmarks.serving import TMPFS, Caller, Serving, furnish_memory, serving

HOSTS, DATASTORES, MACHINES = 48, 100, 500
CHANGES = 40
CLIENTS = 4
_PLAY = "play"
_ADMINISTRATOR, _PASSWORD = "administrator@vsphere.local", "Secret-1"
_KEY = "io.isthmus.storage"


class Played:
    """The simulated vCenter in its process, told what to do by lines of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        self.said = self._answer()

    def ask(self, **command: Any) -> Any:
        """Do something there; its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def played() -> Iterator[Played]:
    """A vCenter of the size, until the block ends."""
    command = [sys.executable, "-m", "tests.benchmarks.vsphere", _PLAY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Played(process)
        finally:
            process.terminate()


def play() -> None:
    """The vCenter's process: says where it is, then does what it is told until its input ends."""
    from tests.simulators.vcenter import Specification, User, VCenter, sized
    from tests.simulators.vcenter.objects.compute_resource import Cluster
    from tests.simulators.vcenter.objects.datastore import Datastore, vmfs_info
    from tests.simulators.vcenter.objects.host_system import HostSystem
    from tests.simulators.vcenter.registry import vim

    spec = Specification(users=(User(_ADMINISTRATOR, _PASSWORD),), datacenters=(sized(HOSTS, DATASTORES, MACHINES),))
    with VCenter(spec) as vc:
        named: dict[str, list[Any]] = {
            "Datastore": vc.model.every(Datastore),
            "HostSystem": vc.model.every(HostSystem),
            "ClusterComputeResource": vc.model.every(Cluster),
        }
        where = {
            "port": vc.port,
            "guid": vc.guid,
            "url": vc.url,
            "pem": vc.certificate.pem,
            "pin": vc.certificate.thumbprint,
            "objects": {kind: [each.moid for each in found] for kind, found in named.items()},
        }
        print(json.dumps(where), flush=True)
        # Whole inventories looked through for garbage would be measured as ours.
        gc.collect()
        gc.freeze()
        for line in sys.stdin:
            command = json.loads(line)
            answer: Any = None
            if command["do"] == "token":
                answer = vc.interface_sessions.open(_ADMINISTRATOR, _PASSWORD, _KEY)
            elif command["do"] == "rename":
                answer = time.monotonic()
                named["Datastore"][0].set("name", command["name"])
            elif command["do"] == "back":
                for store, disk in zip(named["Datastore"], command["disks"], strict=True):
                    extent = vim.host.ScsiDisk.Partition(diskName=disk, partition=1)
                    store.set("info", vmfs_info(store.name, 1 << 40, 1 << 39, extents=[extent]))
            print(json.dumps(answer), flush=True)


@contextmanager
def watchable(vc: Played, folder: Path) -> Iterator[Reaches]:
    """The vCenter, known to this process: every process of the server has an inventory of its own."""
    database = Database(f"sqlite:///{folder / 'isthmus.db'}")
    metadata.create_all(database.engine)
    reaches = Reaches(VCenters(OwnedRecords(database, "plugin:vsphere", Sealer([LocalKey(bytes(32))]))))
    known = Known(vc.said["guid"], "127.0.0.1", vc.said["port"], Trust(certificate=vc.said["pem"]), "t", _ADMINISTRATOR)
    reaches.vcenters.put(known, password=_PASSWORD)
    try:
        yield reaches
    finally:
        reaches.close()
        database.close()


def inventory(vc: Played) -> dict[str, float]:
    """The first inventory and changes, in this process."""
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder, watchable(vc, Path(folder)) as reaches:
        with ProcessTree(vc.pid) as theirs, Section() as ours:
            watch = Watch(vc.said["guid"], reaches)
            if not watch.inventory.complete(60):
                raise RuntimeError(f"no inventory: {watch.inventory.reason}")
        try:
            return {
                "inventory_s": ours.wall,
                "inventory_cpu_ms": ours.cpu * 1000,
                "inventory_vcenter_cpu_ms": theirs.cpu * 1000,
                **_changes(vc, watch),
            }
        finally:
            watch.stop()
            watch.join(10)


def _changes(vc: Played, watch: Watch) -> dict[str, float]:
    taken = []
    seen = threading.Event()
    moment = 0.0

    def heard(changes: object) -> None:
        nonlocal moment
        moment = time.monotonic()
        seen.set()

    watch.inventory.listen(heard)
    for number in range(CHANGES):
        seen.clear()
        began = vc.ask(do="rename", name=f"renamed-{number}")
        if not seen.wait(10):
            raise RuntimeError("a change was not seen")
        taken.append((moment - began) * 1000)
    return {"change_ms": percentile(taken, 50), "change_worst_ms": max(taken)}


class Client:
    """The vSphere Client's reverse proxy: one kept-alive connection with a person's session token."""

    def __init__(self, server: Serving, vc: Played, token: str) -> None:
        context = ssl.create_default_context(cafile=str(server.ca))
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
        self._guid = vc.said["guid"]
        self._headers = {
            "Content-Type": "application/json",
            "vmware-api-session-id": token,
            "vmware-api-gateway-url": vc.said["url"],
        }

    def menu(self, kind: str, moid: str) -> tuple[float, list[dict[str, Any]]]:
        """Milliseconds, and the items."""
        target = f"urn:vmomi:{kind}:{moid}:{self._guid}"
        body = json.dumps({"apiVersion": "1.0.0", "objectIds": [target], "locale": "en-US"})
        began = time.perf_counter()
        self._connection.request("POST", f"/vsphere/ui/dynamic/{kind}/menu", body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        taken = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {content[:300]!r}")
        return taken, json.loads(content)["items"]

    def close(self) -> None:
        self._connection.close()


def menus(vc: Played, server: Serving) -> dict[str, float]:
    """The menu of every object, through the server."""
    caller = Caller(server)
    furnish_memory(caller)
    wanted = [
        caller.call("POST", "/v1/volumes", {"name": f"v{number}", "size": 1 << 30, "profile": "memory"})
        for number in range(DATASTORES)
    ]
    volumes = [caller.done(each)["volume"] for each in wanted]
    disks = [caller.call("GET", f"/v1/volumes/{each}")["identifier"] for each in volumes]
    vc.ask(do="back", disks=disks)
    account = {"user": _ADMINISTRATOR, "password": _PASSWORD}
    service = {"service_user": _ADMINISTRATOR, "service_password": _PASSWORD}
    where = {"vcenter": f"127.0.0.1:{vc.said['port']}", "pin": vc.said["pin"]}
    caller.call("POST", "/v1/actions/vsphere/register", {"input": {**where, **account, **service}})
    caller.close()
    objects = [(kind, moid) for kind, moids in vc.said["objects"].items() for moid in moids]
    client = Client(server, vc, vc.ask(do="token"))
    client.menu(*objects[-1])  # the session of a person is begun once
    _until_forgotten()
    with ProcessTree(server.pid) as ours, ProcessTree(vc.pid) as theirs:
        first = [client.menu(*each) for each in objects]
    again = [client.menu(*each)[0] for each in objects[-10:] for _ in range(20)]
    client.close()
    _until_forgotten()
    many = _at_once(vc, server, objects)
    return {
        "dynamic_p99_ms": percentile([taken for taken, _ in first], 99),
        "dynamic_p50_ms": percentile([taken for taken, _ in first], 50),
        "dynamic_again_p99_ms": percentile(again, 99),
        "dynamic_cpu_ms": ours.cpu / len(objects) * 1000,
        "dynamic_vcenter_cpu_ms": theirs.cpu / len(objects) * 1000,
        "many_p99_ms": percentile(many, 99),
        "actions": max(len(items) for _, items in first),
        "open": sum(bool(each["visible"]) for _, items in first for each in items),
    }


def _until_forgotten() -> None:
    """What was answered is remembered no more, and whatever registering and logging in began is over."""
    time.sleep(FRESH_SECONDS + 2)


def _at_once(vc: Played, server: Serving, objects: Sequence[tuple[str, str]]) -> list[float]:
    taken: list[float] = []

    def work(part: Sequence[tuple[str, str]]) -> None:
        client = Client(server, vc, token)
        taken.extend(client.menu(*each)[0] for each in part)
        client.close()

    token = vc.ask(do="token")
    first = Client(server, vc, token)
    first.menu(*objects[0])
    first.close()
    threads = [threading.Thread(target=work, args=(objects[at::CLIENTS],)) for at in range(CLIENTS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return taken


def main() -> None:
    asked(__doc__).parse_args()
    with played() as vc:
        found = inventory(vc)
    with played() as vc, serving() as server:
        found.update(menus(vc, server))
    report("vsphere", **found)


if __name__ == "__main__":
    play() if sys.argv[1:] == [_PLAY] else main()
