"""A simulated vCenter with two datacenters, storage systems that a test fills, and the pages that show both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from isthmus.adapters.contract.base import BaseAdapter, BaseStorage, page_of
from isthmus.adapters.contract.setup import AdapterSetup
from isthmus.core.context import Context
from isthmus.core.errors import Unavailable
from isthmus.core.model.description import Description
from isthmus.core.model.host import Host
from isthmus.core.model.measurement import Measurement
from isthmus.core.model.page import Page, Query
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.model.profile import Profile
from isthmus.core.model.snapshot import Snapshot, SnapshotState
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.core.security.keys import LocalKey
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugins.vsphere.actions.desk import Desk
from isthmus.plugins.vsphere.actions.exclusion import Exclusion
from isthmus.plugins.vsphere.connection.sealed_sessions import SealedSessions
from isthmus.plugins.vsphere.connection.sessions import UserSessions
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.events.condition import Bounds
from isthmus.plugins.vsphere.events.herald import Herald
from isthmus.plugins.vsphere.events.memory import Memory
from isthmus.plugins.vsphere.inventory.watch import Watches
from isthmus.plugins.vsphere.reasons import texts
from isthmus.plugins.vsphere.registration.identity import KEY
from isthmus.plugins.vsphere.vcenters.people import People, Place, Shown
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from isthmus.plugins.vsphere.views.views import Views
from isthmus.ui_bridge.objects import ObjectId
from tests.environment.engine import Installation
from tests.integration.vsphere.conftest import ANNA, BERND, SERVICE, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter, sized
from tests.simulators.vcenter.specification import Cluster, Datacenter, Datastore, VirtualMachine
from tests.simulators.vcenter.specification import Host as HostSpec

GIB = 1 << 30
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
VIEWERS = Role("Viewers", ("Isthmus.View",))
MANAGERS = Role("Managers", ("Isthmus.View", "Isthmus.Manage"))
ADMINISTRATORS = Role("Administrators", ("Isthmus.Administer",))
SOUTH = Datacenter(
    "South",
    clusters=(Cluster("south", (HostSpec("esx-south.example.test"),)),),
    datastores=(Datastore("south-gold"), Datastore("south-files", kind="NFS41")),
    machines=(VirtualMachine("south-vm", "esx-south.example.test", "south-gold"),),
)


class Shelves(BaseStorage):
    """A storage system in memory: what a test puts in, in lists. With `silence` set it raises that, or waits."""

    def __init__(self, context: Context, name: str, contents: Contents) -> None:
        super().__init__(context, name)
        of = contents.of
        self._offers = contents.offers
        self.volumes = of(Volume, contents.volumes)  # type: ignore[assignment]
        self.pools = of(Pool, contents.pools)  # type: ignore[assignment]
        self.profiles = of(Profile, contents.profiles)  # type: ignore[assignment]
        self.hosts = of(Host, contents.hosts)  # type: ignore[assignment]
        if contents.snapshots is not None:
            self.snapshots = of(Snapshot, contents.snapshots)  # type: ignore[assignment]
        if contents.history:
            self.metrics = _Metrics(contents)  # type: ignore[assignment]

    def describe(self) -> Description:
        return Description("shelves", "Shelves", "1", self._offers)


@dataclass
class Contents:
    """What a system has."""

    volumes: list[Volume] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    snapshots: list[Snapshot] | None = None
    history: list[Measurement] = field(default_factory=list)
    silence: Callable[[], None] | None = None
    offers: tuple[str, ...] = ("volumes", "pools")

    def of(self, noun: Any, things: list[Any]) -> _Listed:
        return _Listed(self, noun, things)


class _Listed:
    def __init__(self, contents: Contents, noun: Any, things: list[Any]) -> None:
        self._contents, self._noun, self._things = contents, noun, things

    def list(self, query: Query | None = None) -> Page[Any]:
        if self._contents.silence is not None:
            self._contents.silence()
        return page_of(self._noun, self._things, query)

    def get(self, identifier: str) -> Any:
        return next(each for each in self._things if each.id == identifier)


class _Metrics:
    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def volume(self, volume: str) -> Measurement:
        return self._contents.history[-1]

    def history(self, resource_type: str, resource: str) -> Sequence[Measurement]:
        return self._contents.history


class ShelfAdapter(BaseAdapter):
    name = "shelves"
    contract_version = 1

    def __init__(self, name: str, contents: Contents) -> None:
        super().__init__(AdapterSetup(name, name, None))
        self._contents = contents

    def storage(self, context: Context) -> Any:
        return Shelves(context, self.setup.name, self._contents)


def volume(number: int, identifier: str | None = None, **more: Any) -> Volume:
    made = Volume(
        f"v{number}", "t1", f"volume-{number}", 4 * GIB, "p1", VolumeState.AVAILABLE, "iscsi",
        MOMENT + timedelta(seconds=number), MOMENT, pool="pool1", identifier=identifier,
    )  # fmt: skip
    return replace(made, **more)


def pool(name: str = "fast", state: PoolState = PoolState.AVAILABLE, **more: Any) -> Pool:
    made = Pool(
        "pool1", "b1", name, state, None, 100 * GIB, 30 * GIB, 30 * GIB, 40 * GIB, 1, True, True, 2.0, 0.0,
        ("iscsi",), (), MOMENT, MOMENT,
    )  # fmt: skip
    return replace(made, **more)


def profile() -> Profile:
    return Profile("p1", "gold", "block", MOMENT, MOMENT)


def snapshot(number: int) -> Snapshot:
    return Snapshot(f"s{number}", "t1", "v1", f"snap-{number}", 4 * GIB, SnapshotState.AVAILABLE, MOMENT, MOMENT)


def measured(seconds: int, **figures: Any) -> Measurement:
    return Measurement("volume", "v1", MOMENT + timedelta(seconds=seconds), **figures)


def silent() -> None:
    raise Unavailable("The array at 192.0.2.7 is on fire.")


@dataclass
class ViewsSite:
    """Anna has a role everywhere, Bernd the viewers' role in the datacenter South and nothing elsewhere. `local` is an
    engine with the memory driver; `array` is the system that a test fills."""

    vc: VCenter
    installation: Installation
    array: Contents
    systems: dict[str, Any]
    views: Views
    people: People
    watches: Watches
    root: Context
    contexts: dict[str, Context]
    reaches: Reaches
    records: OwnedRecords

    def context(self, user: User) -> Context:
        """The user, come from the vCenter."""
        if user.name not in self.contexts:
            token = self.vc.interface_sessions.open(user.name, user.password, KEY)
            place = Place(self.vc.guid)
            if user is BERND:
                place = Place(self.vc.guid, "Datacenter", self.vc.named("South").moid)
            self.contexts[user.name] = self.people.find(Shown(token, self.vc.url), place).context
        return self.contexts[user.name]

    def target(self, name: str = "") -> ObjectId:
        if not name:
            return ObjectId("", "", self.vc.guid)
        entity = self.vc.named(name)
        return ObjectId(entity.ref._wsdlName, entity.moid, self.vc.guid)

    def blocks(self, view: str, on: str = "", user: User = ANNA, locale: str = "en-US") -> list[dict[str, Any]]:
        """What the page shows, as it is sent."""
        found = self.views.content(view, self.context(user), self.target(on), locale)
        return [each.to_json() for each in found]

    @property
    def memory(self) -> Memory:
        """What the vCenter was told."""
        return Memory(self.records, self.vc.guid)

    def survey(self, **bounds: float) -> None:
        """Look how everything stands, and tell the vCenter."""
        assert self.watches.inventory(self.vc.guid).complete(20)
        Herald(
            self.reaches, self.watches, self.records, lambda: self.systems, texts(), Bounds(**bounds)
        ).tell(self.vc.guid)  # fmt: skip

    def disk(self, store: str) -> str:
        """The name on the wire of what a datastore lies on."""
        return str(self.vc.named(store).get("info.vmfs.extent")[0].diskName)


def facts(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All facts by label, each as its cell."""
    return {each["label"]: each["value"] for block in blocks if block["type"] == "facts" for each in block["facts"]}


def table(blocks: Sequence[Mapping[str, Any]], identifier: str) -> Mapping[str, Any]:
    (found,) = [each for each in blocks if each["type"] == "table" and each["id"] == identifier]
    return found


def rows(blocks: Sequence[Mapping[str, Any]], identifier: str) -> list[dict[str, Any]]:
    """The rows of a table: what stands in each column, a name where there is one."""
    found = []
    for row in table(blocks, identifier)["rows"]:
        found.append({column: cell.get("text") or cell["value"] for column, cell in row["cells"].items()})
    return found


def notices(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["text"] for each in blocks if each["type"] == "notice"]


def trend(blocks: Sequence[Mapping[str, Any]], title: str) -> Mapping[str, Any]:
    (found,) = [each for each in blocks if each["type"] == "trend" and each["title"] == title]
    return found


@contextmanager
def views_site(
    folder: Path, *, role: Role = VIEWERS, administrators: bool = False, seconds: float = 3.0
) -> Iterator[ViewsSite]:
    """Running; afterwards all it started is gone."""
    north = sized(hosts=2, datastores=2, machines=2)
    users = {
        ANNA.name: User(ANNA.name, ANNA.password, (Grant(role.name),)),
        BERND.name: User(BERND.name, BERND.password, (Grant(VIEWERS.name, "South"),)),
    }
    spec = specification(roles=(VIEWERS, MANAGERS, ADMINISTRATORS), datacenters=(north, SOUTH))
    known = tuple(users.get(each.name, each) for each in spec.users)
    database = Database(f"sqlite:///{folder / 'isthmus.db'}")
    metadata.create_all(database.engine)
    for name in ("state", "run"):
        (folder / name).mkdir()
    installation = Installation.begin(database, folder)
    engine = installation.engine()
    engine.start()
    sessions = UserSessions()
    with VCenter(replace(spec, users=known)) as vc:
        root = installation.furnish(engine)
        vc.extensions.set("extensionList", [vim.Extension(key=KEY, version="1")])
        records = OwnedRecords(database, "plugin:vsphere", Sealer([LocalKey(bytes(32))]))
        vcenters = VCenters(records)
        trust = Trust(certificate=vc.certificate.pem)
        vcenters.put(
            Known(
                vc.guid, "127.0.0.1", vc.port, trust, str(root.tenant), SERVICE.name, administrators=administrators
            ),
            password=SERVICE.password,
        )  # fmt: skip
        reaches = Reaches(vcenters)
        watches = Watches(reaches)
        contents = Contents()
        systems: dict[str, Any] = {"local": installation.adapter(engine), "array": ShelfAdapter("array", contents)}
        exclusion = Exclusion(lambda: systems["local"])
        submit: Any = lambda *given, **more: None  # noqa: E731
        desk = Desk(reaches, sessions, SealedSessions(records), submit, exclusion)
        views = Views(desk, watches, lambda: systems, records, seconds=seconds)
        people = People(reaches, sessions, lambda tenant: True)
        try:
            yield ViewsSite(
                vc, installation, contents, systems, views, people, watches, root, {}, reaches, records
            )  # fmt: skip
        finally:
            watches.close()
            sessions.close()
            reaches.close()
            engine.stop()
            database.close()
